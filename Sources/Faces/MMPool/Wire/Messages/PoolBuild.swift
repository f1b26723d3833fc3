import Glibc
import MMCore
import MMOperations

/// The program that a pool runs: its version, its file, and when that file was written.
package struct PoolBuild: Sendable, Hashable {
    /// The product's version.
    package let version: String
    /// The path of `mm`.
    package let executable: String
    /// When the file was written, in nanoseconds since 1970; 0 when it doesn't exist.
    package let written: Int64
    /// The size of the file in bytes.
    package let size: Int64

    /// The `mm` that this process belongs to, with its file's present state.
    package static var own: PoolBuild { PoolBuild(version: ProductVersion.text, executable: OwnProgram.mm) }

    private init(version: String, executable: String) {
        self.version = version
        self.executable = executable
        let real = realpath(executable, nil)
        defer { free(real) }
        if let real, case .file(let mark) = FileStamp.lookUp(String(cString: real)) {
            written = mark.modified.seconds * 1_000_000_000 + Int64(mark.modified.nanoseconds)
            size = Int64(mark.size)
        } else {
            (written, size) = (0, 0)
        }
    }

    /// Creates the build that a pool reports.
    package init(version: String, executable: String, written: Int64, size: Int64) {
        self.version = version
        self.executable = executable
        self.written = written
        self.size = size
    }

    /// The file's identity in one word, for people and for comparison.
    package var text: String { "\(written)-\(size)" }

    /// Reads a build from its word.
    package init?(version: String, executable: String, text: String) {
        let parts = text.split(separator: "-").compactMap { Int64($0) }
        guard parts.count == 2 else { return nil }
        self.init(version: version, executable: executable, written: parts[0], size: parts[1])
    }

    /// Whether a pool of this build should make way for one of `other`: the same file written anew, or a later version.
    ///
    /// Two installations of the same version coexist: neither replaces the other's pool.
    package func givesWay(to other: PoolBuild) -> Bool {
        let (mine, others) = (Self.numbers(version), Self.numbers(other.version))
        if mine != others { return mine.lexicographicallyPrecedes(others) }
        return executable == other.executable && other.written > written
    }

    private static func numbers(_ version: String) -> [Int] {
        version.split(whereSeparator: { !$0.isNumber }).map { Int($0) ?? 0 }
    }
}
