import Glibc
import MMCore
import MMOperations

/// Which program a pool runs: its version, its file, and when that file was made.
struct PoolBuild: Sendable, Hashable {
    /// The product's version.
    let version: String
    /// The path of `mm`.
    let executable: String
    /// When the file was written, in nanoseconds since 1970; 0 when it is not there.
    let written: Int64
    /// Bytes of the file.
    let size: Int64

    /// The `mm` that this process belongs to, as its file is now.
    static var own: PoolBuild { PoolBuild(version: ProductVersion.text, executable: OwnProgram.mm) }

    init(version: String, executable: String) {
        self.version = version
        self.executable = executable
        var status = stat()
        let isThere = stat(executable, &status) == 0
        written = isThere ? Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec) : 0
        size = isThere ? Int64(status.st_size) : 0
    }

    /// A build as a pool tells it.
    init(version: String, executable: String, written: Int64, size: Int64) {
        self.version = version
        self.executable = executable
        self.written = written
        self.size = size
    }

    /// The build in one word, for people and for comparing.
    var text: String { "\(written)-\(size)" }

    /// A build from its word.
    init?(version: String, executable: String, text: String) {
        let parts = text.split(separator: "-").compactMap { Int64($0) }
        guard parts.count == 2 else { return nil }
        self.init(version: version, executable: executable, written: parts[0], size: parts[1])
    }

    /// Whether a pool of this build is to give way to one of `other`: the same file written anew, or a later version.
    ///
    /// Two installations of one version live side by side: neither drives the other's pool away.
    func givesWay(to other: PoolBuild) -> Bool {
        let (mine, others) = (Self.numbers(version), Self.numbers(other.version))
        if mine != others { return mine.lexicographicallyPrecedes(others) }
        return executable == other.executable && other.written > written
    }

    private static func numbers(_ version: String) -> [Int] {
        version.split(whereSeparator: { !$0.isNumber }).map { Int($0) ?? 0 }
    }
}
