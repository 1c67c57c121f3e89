#include "agent/scanner/scanner.h"

#include "agent/scanner/mountinfo.h"
#include "agent/scanner/naming.h"
#include "agent/scanner/scanner_pool.h"

#include <fmt/format.h>

#include <algorithm>

namespace ctys::agent {

namespace {

std::vector<MarkerFacts> markers_of(const PoolScan& scan) {
    std::vector<MarkerFacts> out;
    if (!scan.marker.id.is_none()) out.push_back(scan.marker);
    for (const auto& nested : scan.nested)
        out.push_back(nested.marker);
    return out;
}

bool markers_contradict(const PoolScan& a, const PoolScan& b) {
    const auto of_b = markers_of(b);
    for (const auto& one : markers_of(a)) {
        const auto contradicts = [&](const auto& other) { return contradict(one, other); };
        if (std::any_of(of_b.begin(), of_b.end(), contradicts)) return true;
    }
    return false;
}

tl::unexpected<Error> no_pool(const std::string& path) {
    return fail(ErrorCode::NotFound, fmt::format("no pool of this worker holds {}", path));
}

auto without_value(Scanner::OnDone on_done) {
    return [on_done = std::move(on_done)](const Result<bool>& answer) {
        on_done(answer.map([](bool) {}));
    };
}

} // namespace

Scanner::Scanner(loop::EventLoop& loop, ScannerSettings settings, ScannerEvents events)
    : loop_(loop), settings_(std::move(settings)), events_(std::move(events)) {
    of_pools_ = {.on_changes = events_.on_changes,
                 .on_pool = [this](const PoolScan& scan) { on_pool(scan); }};
}

Scanner::~Scanner() = default;

Status Scanner::add_pool(PoolSettings pool, std::vector<KnownPath> known) {
    if (!pool.root.starts_with('/')) {
        return fail(ErrorCode::Usage, fmt::format("pool {}: not an absolute path", pool.root));
    }
    pool.root = normal_path(pool.root, "/");
    if (find_pool(pool.root) != nullptr) {
        return fail(ErrorCode::Conflict, fmt::format("pool {} is there already", pool.root));
    }
    pools_.push_back(
        std::make_unique<Pool>(loop_, settings_, of_pools_, std::move(pool), std::move(known)));
    return {};
}

void Scanner::remove_pool(const std::string& root) {
    const auto at = std::find_if(
        pools_.begin(), pools_.end(), [&](const auto& pool) { return pool->root() == root; });
    if (at == pools_.end()) return;
    const auto removed = std::move(*at);
    pools_.erase(at);
    removed->leave();
}

PoolScan Scanner::judged(const PoolScan& scan) const {
    auto out = scan;
    for (const auto& pool : pools_) {
        const auto& other = pool->view().state();
        if (other.pool.root == scan.pool.root || !markers_contradict(scan, other)) continue;
        if (out.pool.health == PoolHealth::Good) {
            out.pool.health = PoolHealth::Copied;
            out.pool.reason =
                fmt::format("its marker and the one of {} are copies; remove {} where the copy is",
                            other.pool.root,
                            marker_name);
        }
        return out;
    }
    return out;
}

void Scanner::on_pool(const PoolScan& scan) {
    const auto tell = [&](const PoolScan& one) {
        auto told = judged(one);
        const bool doubted =
            told.pool.health == PoolHealth::Copied && one.pool.health != PoolHealth::Copied;
        const auto& root = one.pool.root;
        if (doubted) find_pool(root)->doubt_marker();
        const bool is_news = doubted ? in_doubt_.insert(root).second : in_doubt_.erase(root) > 0;
        if (events_.on_pool && (is_news || &one == &scan)) events_.on_pool(told);
    };
    tell(scan);
    // What this pool has now may put another one in doubt, or end that.
    for (const auto& pool : pools_) {
        if (pool->root() != scan.pool.root) tell(pool->view().state());
    }
}

Scanner::Pool* Scanner::find_pool(const std::string& root) const {
    const auto at = std::find_if(
        pools_.begin(), pools_.end(), [&](const auto& pool) { return pool->root() == root; });
    return at == pools_.end() ? nullptr : at->get();
}

void Scanner::scan(const std::string& root, OnDone on_done) {
    auto* pool = find_pool(root);
    if (pool == nullptr) return on_done(no_pool(root));
    pool->request(pool->whole_scan(), without_value(std::move(on_done)));
}

void Scanner::scan_directory(const std::string& directory, OnDone on_done) {
    const auto path = normal_path(directory, "/");
    Pool* innermost = nullptr;
    for (const auto& pool : pools_) {
        const bool holds = is_within(pool->root(), path);
        if (holds && (innermost == nullptr || pool->root().size() > innermost->root().size())) {
            innermost = pool.get();
        }
    }
    if (innermost == nullptr) return on_done(no_pool(path));
    if (path == innermost->root()) return scan(path, std::move(on_done));
    const auto& root = innermost->root();
    const auto below = path.substr(root == "/" ? 1 : root.size() + 1);
    innermost->request(ScanDirectory{below}, without_value(std::move(on_done)));
}

void Scanner::prove(const std::string& root, Prove proof, OnProved on_done) {
    auto* pool = find_pool(root);
    if (pool == nullptr) return on_done(no_pool(root));
    pool->request(proof, std::move(on_done));
}

std::vector<PoolScan> Scanner::pools() const {
    std::vector<PoolScan> out;
    for (const auto& pool : pools_) {
        out.push_back(pool->view().state());
    }
    return out;
}

std::vector<KnownPath> Scanner::known() const {
    std::vector<KnownPath> out;
    for (const auto& pool : pools_) {
        const auto of_pool = pool->view().known();
        out.insert(out.end(), of_pool.begin(), of_pool.end());
    }
    return out;
}

pid_t Scanner::helper_pid(const std::string& root) const {
    const auto* pool = find_pool(root);
    return pool == nullptr ? 0 : pool->helper_pid();
}

} // namespace ctys::agent
