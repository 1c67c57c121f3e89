# cmake --install BUILD --prefix DIR. Packagers: DESTDIR works; units name the programs of the prefix.
include(GNUInstallDirs)

install(TARGETS ctys ctys-broker ctys-agent ctys-probe ctys-scan-helper ctys-qemu-call ctys-ask-lease
        ctys-createConfVM ctys-plugins ctys-setupVDE
    RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES docs/man/ctys.1 docs/man/ctys-createConfVM.1 docs/man/ctys-plugins.1
        docs/man/ctys-qemu-call.1 docs/man/ctys-setupVDE.1
    DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES docs/man/ctys-agent.8 docs/man/ctys-broker.8
    DESTINATION ${CMAKE_INSTALL_MANDIR}/man8)
install(FILES deploy/completions/ctys.bash RENAME ctys
    DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES README.md CHANGELOG.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES docs/architecture.md docs/coming-from.md docs/operations.md docs/protocol.md
    docs/storage.md DESTINATION ${CMAKE_INSTALL_DOCDIR}/docs)
install(PROGRAMS deploy/wrapper/ctys-wrapper-lib.sh DESTINATION ${CMAKE_INSTALL_DATADIR}/ctys-mesh)
install(DIRECTORY deploy/config/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
install(DIRECTORY deploy/templates/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/templates
    USE_SOURCE_PERMISSIONS)

# The prefix is known when it is installed, not before.
foreach(unit ctys-broker.service ctys-agent.service ctys-guests.service ctys-guests.target)
    install(CODE "
        file(READ \"${CMAKE_SOURCE_DIR}/deploy/systemd/${unit}\" text)
        string(REPLACE \"/usr/bin/ctys\" \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}/ctys\"
            text \"\${text}\")
        set(to \"\${CMAKE_INSTALL_PREFIX}/lib/systemd/system/${unit}\")
        message(STATUS \"Installing: \$ENV{DESTDIR}\${to}\")
        file(WRITE \"\$ENV{DESTDIR}\${to}\" \"\${text}\")
        list(APPEND CMAKE_INSTALL_MANIFEST_FILES \"\${to}\")")
endforeach()
