import Glibc
package import MMCore
import MMSystem

/// Limits on everything that a session starts, taken together. They need a control group that was delegated to this
/// user (cgroups(7), version 2; systemd.resource-control(5), Delegate=).
package struct TreeLimits: Sendable, Hashable {
    /// The maximum memory in bytes; the kernel kills processes beyond it.
    package var memory: UInt64?
    /// The maximum number of processes and threads.
    package var processes: Int?
    /// The maximum processor time, in processors, such as 0.5.
    package var processors: Double?
    /// Whether the session is started without the limits if they aren't available; it then reports that.
    package var isBestEffort: Bool

    /// Creates limits.
    package init(
        memory: UInt64? = nil, processes: Int? = nil, processors: Double? = nil, isBestEffort: Bool = false
    ) {
        self.memory = memory
        self.processes = processes
        self.processors = processors
        self.isBestEffort = isBestEffort
    }

    /// The controllers that are needed.
    var controllers: [String] {
        (memory == nil ? [] : ["memory"]) + (processes == nil ? [] : ["pids"]) + (processors == nil ? [] : ["cpu"])
    }

    /// The files of the control group and the values to write to them.
    var files: [(name: String, value: String)] {
        var files: [(name: String, value: String)] = []
        if let memory { files += [("memory.max", String(memory)), ("memory.oom.group", "0")] }
        if let processes { files.append(("pids.max", String(processes))) }
        // Microseconds of processor time in each tenth of a second.
        if let processors { files.append(("cpu.max", "\(max(1000, Int(processors * 100_000))) 100000")) }
        return files
    }

    func check() throws(MMError) {
        let isSound =
            memory.map { $0 >= 1 << 20 } ?? true && processes.map { $0 >= 2 } ?? true
            && processors.map { $0 >= 0.01 && $0 <= 4096 } ?? true
        guard isSound, !controllers.isEmpty else {
            throw MMError(
                .invalidInput, "The limits of the session can't be set.",
                hint: "The minimum is 1 MiB of memory, 2 processes, or 0.01 processors.")
        }
    }
}

/// The control group of one session, or of one pool among several.
package final class ControlGroup: Sendable {
    let path: String

    /// Creates a group below the one that this process is in.
    /// - Throws: `.unsupported`, with the reason, if no group is delegated.
    package static func make(_ limits: TreeLimits) throws(MMError) -> ControlGroup { try make(limits, own: own()) }

    /// Creates a group below another one; `nil` if this process is in none.
    static func make(_ limits: TreeLimits, own: String?) throws(MMError) -> ControlGroup {
        try limits.check()
        guard let own else { throw missing("there is no version 2 hierarchy") }
        let offered = words(own + "/cgroup.controllers")
        if let lacking = limits.controllers.first(where: { !offered.contains($0) }) {
            throw missing("the controller \(lacking) is not delegated to \(own)")
        }
        try enable(limits.controllers, in: own)
        removeLeftovers(in: own)
        let path = "\(own)/mm-\(creator)-\(Hex.text(RandomBytes.make(8)))"
        guard mkdir(path, 0o755) == 0 else { throw missing("no group can be created in \(own)") }
        let group = ControlGroup(path)
        for (name, value) in limits.files where !put(value, "\(path)/\(name)") && name != "memory.oom.group" {
            group.end()
            throw missing("\(name) can't be set")
        }
        return group
    }

    private init(_ path: String) { self.path = path }

    /// Adds a process to the group, with everything that it starts from now on.
    package func add(_ process: Int32) throws(MMError) {
        guard Self.put(String(process), path + "/cgroup.procs") else {
            throw Self.missing("a process can't be added to \(path)")
        }
    }

    /// Kills the processes in the group and removes the group. Blocks until they have ended.
    package func end() {
        _ = Self.put("1", path + "/cgroup.kill")
        // The group can be removed only when the kernel has cleaned up the killed processes.
        for _ in 0..<200 {
            if Self.remove(path) || errno != EBUSY { return }
            usleep(5_000)
        }
    }

    /// Removes a group with those in it, which a pool that limits its sessions has made.
    /// - Returns: `false`, with the reason in `errno`, while processes are in one of them.
    static func remove(_ path: String) -> Bool {
        for name in folders(in: path) where !remove("\(path)/\(name)") { return false }
        return rmdir(path) == 0
    }

    /// The part of a group's name that says which process has made it.
    private static let creator = ProcessIdentity(running: getpid()).map { "\($0.pid)-\($0.startTime)" } ?? "0-0"

    /// Removes the groups of processes that have ended without removing them, as by `kill -9`.
    static func removeLeftovers(in own: String) {
        for name in folders(in: own) {
            let words = name.split(separator: "-")
            guard words.count == 4, words[0] == "mm", let pid = Int32(words[1]), let start = UInt64(words[2]),
                !ProcessIdentity(pid: pid, startTime: start).isRunning
            else { continue }
            _ = remove("\(own)/\(name)")
        }
    }

    /// A group that contains processes can't have subgroups with limits: its processes are moved into a subgroup first.
    private static func enable(_ controllers: [String], in own: String) throws(MMError) {
        let switches = own + "/cgroup.subtree_control"
        let wanted = controllers.filter { !words(switches).contains($0) }
        if wanted.isEmpty { return }
        let text = wanted.map { "+" + $0 }.joined(separator: " ")
        if put(text, switches) { return }
        guard errno == EBUSY else { throw missing("controllers can't be enabled in \(own)") }
        let inner = own + "/mm-main"
        guard mkdir(inner, 0o755) == 0 || errno == EEXIST else { throw missing("no group can be created in \(own)") }
        for process in words(own + "/cgroup.procs") { _ = put(process, inner + "/cgroup.procs") }
        guard put(text, switches) else { throw missing("other processes are in \(own)") }
    }

    /// Returns the folder of the group that this process is in, or of the group above if this process has moved into a
    /// subgroup.
    private static func own() -> String? {
        let mounts = String(decoding: ProcFile.read("/proc/self/mountinfo", limit: 1 << 20) ?? [], as: UTF8.self)
        let mount = mounts.split(separator: "\n").lazy.map { $0.split(separator: " ") }
            .first { words in words.firstIndex(of: "-").map { words.dropFirst($0 + 1).first == "cgroup2" } ?? false }
        let groups = String(decoding: ProcFile.read("/proc/self/cgroup", limit: 64 << 10) ?? [], as: UTF8.self)
        guard let mount, mount.count > 4,
            let line = groups.split(separator: "\n").first(where: { $0.hasPrefix("0::/") })
        else { return nil }
        let below = line.dropFirst(3) == "/" ? "" : String(line.dropFirst(3))
        let path = String(mount[4]) + below
        return path.hasSuffix("/mm-main") ? String(path.dropLast(8)) : path
    }

    private static func folders(in path: String) -> [String] {
        guard let folder = try? FileDescriptor.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW) else { return [] }
        let names = (FolderListing.names(in: folder.raw) ?? []).map { String(decoding: $0, as: UTF8.self) }
        return names.filter { name in
            var status = stat()
            return lstat("\(path)/\(name)", &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
        }
    }

    private static func words(_ file: String) -> [String] {
        String(decoding: ProcFile.read(file, limit: 1 << 20) ?? [], as: UTF8.self)
            .split(whereSeparator: \.isWhitespace).map(String.init)
    }

    private static func put(_ text: String, _ file: String) -> Bool {
        let raw = open(file, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard raw >= 0 else { return false }
        let bytes = Array(text.utf8)
        let count = write(raw, bytes, bytes.count)
        // `close` must not overwrite the reason of the failure.
        let problem = errno
        close(raw)
        errno = problem
        return count == bytes.count
    }

    private static func missing(_ why: String) -> MMError {
        MMError(
            .unsupported, "The limits of the session can't be set: \(why).",
            hint:
                "Let systemd start the pool (mm pool install; another service of systemd needs Delegate=yes), or leave out "
                + "the limits and use limits of single processes.")
    }
}
