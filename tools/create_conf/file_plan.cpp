#include "tools/create_conf/file_plan.h"

#include "mesh/core/text.h"
#include "tools/qemu_call/wrapper_run.h"

#include <fmt/format.h>

#include <algorithm>

namespace ctys::conf {

namespace {

std::string unused_name(const std::string& name, const Stamp& stamp, const Found& found) {
    auto out = fmt::format("{}.{}", name, stamp.date);
    for (int i = 2; found.names.contains(out); ++i) {
        out = fmt::format("{}.{}.{}", name, stamp.date, i);
    }
    return out;
}

std::string kept_image(const std::string& path, const Stamp& stamp, const Found& found) {
    const auto slash = path.rfind('/');
    const auto name = unused_name(path.substr(slash + 1), stamp, found);
    return path.substr(0, slash + 1) + name;
}

Status plan_image(FilePlan& plan,
                  const Settings& settings,
                  const std::string& folder,
                  const Wishes& wishes,
                  const Found& found,
                  const Stamp& stamp) {
    const auto path = image_path(settings, folder);
    if (wishes.image == Wishes::Image::Never) {
        if (!found.image) {
            plan.notes.push_back(
                fmt::format("{} is not there yet: sh {}.sh --initmodeonly makes it",
                            printable(path),
                            settings.text("LABEL")));
        }
        return {};
    }
    if (found.image && wishes.image == Wishes::Image::IfAbsent) {
        plan.notes.push_back(fmt::format(
            "{} is there and stays as it is; --create-image makes a new one", printable(path)));
        return {};
    }
    if (found.is_device)
        return fail(
            ErrorCode::Conflict,
            fmt::format("{} is no plain file, --create-image cannot make it", printable(path)));
    if (found.image) plan.image_kept_as = kept_image(path, stamp, found);
    plan.image = qemu::InstallTarget{.key = "HDDBOOTIMAGE",
                                     .file = path,
                                     .format = settings.text("IMAGEFORMAT"),
                                     .size = image_bytes(settings)};
    plan.image->preallocated = settings.is("HDDBOOTIMAGE_INST_BALLOON", "n");
    return {};
}

} // namespace

std::string_view wrapper_text() {
    return call::wrapper_text();
}

std::string image_path(const Settings& settings, const std::string& folder) {
    const auto& image = settings.text("HDDBOOTIMAGE");
    return image.starts_with('/') ? image : folder + "/" + image;
}

std::vector<NewFile> files_of(const Settings& settings,
                              const HostFacts& host,
                              const Stamp& stamp,
                              const Remainder& remainder,
                              const Wishes& wishes) {
    const auto& label = settings.text("LABEL");
    std::vector<NewFile> out;
    out.push_back(
        {.name = label + ".sh", .bytes = std::string{wrapper_text()}, .executable = true});
    if (wishes.answers) {
        auto more = answers_files(settings);
        std::move(more.begin(), more.end(), std::back_inserter(out));
    }
    if (wishes.configuration) {
        out.push_back({.name = label + ".ctys",
                       .bytes = render_configuration(settings, host, stamp, remainder)});
    }
    return out;
}

Result<FilePlan> plan_files(const Settings& settings,
                            const std::string& folder,
                            const Wishes& wishes,
                            std::vector<NewFile> files,
                            const Found& found,
                            const Stamp& stamp) {
    FilePlan plan;
    for (auto& file : files) {
        const auto before = found.texts.find(file.name);
        if (before != found.texts.end() && before->second == file.bytes) {
            plan.the_same.push_back(file.name);
            continue;
        }
        if (found.names.contains(file.name)) {
            Retired retired{.name = file.name, .kept_as = unused_name(file.name, stamp, found)};
            const bool known = before != found.texts.end();
            if (known && file.name.ends_with(".ctys"))
                retired.text = ignored_configuration(before->second);
            plan.retired.push_back(std::move(retired));
        }
        plan.files.push_back(std::move(file));
    }
    for (const auto& name : found.others) {
        const auto before = found.texts.find(name);
        const bool stays =
            std::find(plan.the_same.begin(), plan.the_same.end(), name) != plan.the_same.end();
        const bool done = std::any_of(plan.retired.begin(),
                                      plan.retired.end(),
                                      [&](const auto& one) { return one.name == name; });
        if (before == found.texts.end() || done || stays) continue;
        Retired retired{.name = name, .kept_as = unused_name(name, stamp, found)};
        if (!name.ends_with(".sh")) retired.text = ignored_configuration(before->second);
        plan.retired.push_back(std::move(retired));
    }
    if (auto done = plan_image(plan, settings, folder, wishes, found, stamp); !done)
        return tl::unexpected(done.error());
    return plan;
}

} // namespace ctys::conf
