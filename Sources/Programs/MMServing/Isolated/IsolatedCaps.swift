import Glibc
import MMCore
import MMSystem

/// The resource limits of one connection's pool, enforced by a control group if this process may create one, otherwise
/// by a watchdog.
struct IsolatedCaps: Sendable {
    /// The maximum memory of a pool and all that it starts, in bytes.
    var memory = 512 << 20
    /// The number of processors that it may keep busy.
    var processors = 0.5
    /// The maximum heap of each PowerShell, in bytes.
    var heap = 256 << 20
    /// How long a pool may leave all requests unanswered before it is ended.
    var silence = Duration.seconds(60)

    /// Reads the limits from an environment: `MM_ISOLATED_MEMORY_MB`, `MM_ISOLATED_CPUS`, `MM_ISOLATED_SILENCE`.
    /// - Throws: `invalidInput`, naming the variable.
    init(environment: [String: String]) throws(MMError) {
        memory =
            try EnvironmentNumber.read("MM_ISOLATED_MEMORY_MB", of: environment, in: 64...1_048_576, "whole megabytes")
            .map { $0 << 20 } ?? memory
        processors =
            try EnvironmentNumber.read("MM_ISOLATED_CPUS", of: environment, in: 0.05...1024, "a number of processors")
            ?? processors
        silence =
            try EnvironmentNumber.read("MM_ISOLATED_SILENCE", of: environment, in: 1.0...86_400, "seconds")
            .map { .seconds($0) } ?? silence
    }

    /// The environment that limits the memory of a pool's PowerShells (settings of .NET's garbage collector).
    var environment: [String: String] {
        [
            "DOTNET_gcServer": "0", "DOTNET_GCHeapHardLimit": "0x" + String(heap, radix: 16),
            "DOTNET_GCConserveMemory": "9",
        ]
    }
}

/// The control group of one pool (cgroups(7), version 2), if a part of the tree is delegated to this process.
struct IsolatedGroup: Sendable {
    private let path: String

    /// Creates a group with these limits.
    /// - Returns: `nil` if no part of the tree is delegated to this process.
    init?(_ name: String, _ caps: IsolatedCaps) {
        guard let bytes = ProcFile.read("/proc/self/cgroup", limit: 65_536) else { return nil }
        let line = String(decoding: bytes, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("0::") }
        guard let own = line?.dropFirst(3) else { return nil }
        for mount in ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"] {
            let parent = own == "/" ? mount : mount + String(own)
            guard let controllers = ProcFile.read(parent + "/cgroup.controllers", limit: 4096) else { continue }
            let words = String(decoding: controllers, as: UTF8.self).split { $0 == " " || $0 == "\n" }
            guard words.contains("memory"), words.contains("cpu"), access(parent, W_OK) == 0 else { continue }
            _ = Self.write("+memory +cpu", to: parent + "/cgroup.subtree_control")
            let path = "\(parent)/mm-\(name)"
            guard mkdir(path, 0o755) == 0 || errno == EEXIST else { continue }
            let period = 100_000
            guard Self.write("\(caps.memory)", to: path + "/memory.max"),
                Self.write("\(Int(caps.processors * Double(period))) \(period)", to: path + "/cpu.max")
            else {
                rmdir(path)
                continue
            }
            self.path = path
            return
        }
        return nil
    }

    /// Moves a process into the group, with all processes that it will start.
    func take(_ pid: Int32) -> Bool { Self.write("\(pid)", to: path + "/cgroup.procs") }

    /// Removes the group once it is empty.
    func remove() { rmdir(path) }

    private static func write(_ text: String, to path: String) -> Bool {
        let descriptor = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        return bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) } == bytes.count
    }
}
