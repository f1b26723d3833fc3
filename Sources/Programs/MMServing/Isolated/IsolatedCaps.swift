import MMCore
import MMShell

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

    /// The limits for the control group of a pool and all that it starts.
    var together: TreeLimits { TreeLimits(memory: UInt64(memory), processors: processors) }

    /// The environment that limits the memory of a pool's PowerShells (settings of .NET's garbage collector).
    var environment: [String: String] {
        [
            "DOTNET_gcServer": "0", "DOTNET_GCHeapHardLimit": "0x" + String(heap, radix: 16),
            "DOTNET_GCConserveMemory": "9",
        ]
    }
}
