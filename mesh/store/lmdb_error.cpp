#include "mesh/store/lmdb_error.h"

#include <fmt/format.h>
#include <lmdb.h>

#include <cerrno>

namespace ctys::store {

namespace {

std::string sentence(int code) {
    switch (code) {
    case MDB_MAP_FULL:
        return "the store has reached its map size: raise the map size and start again, "
               "or keep less";
    case ENOSPC:
        return "no space is left on the disk of the store: free some";
    case EFBIG:
        return "the store may not grow: raise the file size limit";
    case EDQUOT:
        return "the disk quota of the store's user is used up: raise it, or free some space";
    case EIO:
        return "the disk of the store reports input/output errors: look at the kernel's log";
    case EROFS:
        return "the file system of the store is read-only: look at the kernel's log";
    case EACCES:
    case EPERM:
        return "this user may not use the files of the store: look at their owner and mode";
    case MDB_READERS_FULL:
        return "too many readers of the store at once: raise the number of readers";
    case MDB_VERSION_MISMATCH:
    case MDB_INVALID:
        return "the file is not a store that this program can read: restore a backup";
    case MDB_PANIC:
        return "an earlier write failed half-way: start the program again";
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
        return fmt::format("the store is damaged ({}): stop the program and restore a backup",
                           ::mdb_strerror(code));
    case MDB_BAD_TXN:
        return "an earlier operation of this transaction has failed";
    default:
        return ::mdb_strerror(code);
    }
}

} // namespace

Error lmdb_error(std::string_view doing, int code) {
    return Error{.code = ErrorCode::Storage,
                 .message = fmt::format("{}: {}", doing, sentence(code))};
}

} // namespace ctys::store
