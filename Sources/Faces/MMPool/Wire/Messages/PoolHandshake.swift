import Glibc
package import MMCore
import MMOperations
package import MMSystem

/// What a pool reports about itself before anything else is asked of it. Finding, stopping and replacing pools rely on
/// it.
package struct PoolHandshake: Sendable, Hashable {
    /// The path at which every pool serves its handshake.
    package static let path = "/v1/handshake"
    /// The protocol version of this program. Increases when a call of one side no longer means the same to the other,
    /// but not for additional events and headers.
    private static let wireVersion = 1

    /// The protocol version of the pool.
    package var wire = PoolHandshake.wireVersion
    /// The program that the pool runs.
    package let build: PoolBuild
    /// The pool's process.
    package let process: ProcessIdentity
    /// When the pool started.
    package let started: Timestamp
    /// Identifies the set of files that the pool serves; empty for a pool that isn't found by its files.
    package let key: String
    /// Whether the pool accepts no more calls.
    package var isDraining = false
    /// Whether the pool is a cluster's node: requests that wait for a person are then shown there, too.
    package var isNode = false

    /// Creates a pool's identity.
    package init(build: PoolBuild, process: ProcessIdentity, started: Timestamp, key: String) {
        self.build = build
        self.process = process
        self.started = started
        self.key = key
    }

    /// Creates the identity of this process, which starts serving now.
    /// - Parameter key: identifies the set of files that it serves.
    package static func ofThisProcess(key: String = "") -> PoolHandshake {
        let process = ProcessIdentity(running: getpid()) ?? ProcessIdentity(pid: getpid(), startTime: 0)
        return PoolHandshake(build: .own, process: process, started: .now, key: key)
    }

    /// The handshake as JSON for the pool's owner.
    package var json: JSONObject {
        var object = publicJSON
        object["executable"] = .string(build.executable)
        object["startTime"] = .int(Int64(clamping: process.startTime))
        object["key"] = .string(key)
        object["draining"] = .bool(isDraining)
        if isNode { object["cluster"] = true }
        return object
    }

    /// The part that every admitted client may see, under the names that other clients of a pool read.
    package var publicJSON: JSONObject {
        [
            "version": .string(build.version), "build": .string(build.text), "pid": .int(Int64(process.pid)),
            "started": .string(started.iso8601Milliseconds), "wire": .int(Int64(wire)),
        ]
    }

    /// Reads a handshake; `nil` when the value is not one.
    package init?(_ json: JSONValue) {
        guard let version = json["version"]?.string, let pid = json["pid"]?.int.flatMap({ Int32(exactly: $0) }),
            let text = json["build"]?.string,
            let build = PoolBuild(version: version, executable: json["executable"]?.string ?? "", text: text),
            let started = json["started"]?.string.flatMap({ Timestamp(iso8601: $0) })
        else { return nil }
        self.init(
            build: build, process: ProcessIdentity(pid: pid, startTime: UInt64(clamping: json["startTime"]?.int ?? 0)),
            started: started, key: json["key"]?.string ?? "")
        // Pools that don't report a version speak the first one.
        wire = json["wire"]?.int ?? 1
        isDraining = json["draining"]?.bool ?? false
        isNode = json["cluster"]?.bool ?? false
    }

    /// Rejects a pool that speaks another version of the protocol.
    /// - Throws: `unavailable` that says which side to update.
    package func requireSameWire(at address: PoolAddress) throws(MMError) {
        guard wire != Self.wireVersion else { return }
        throw MMError(
            .unavailable,
            "The pool at \(address) is mm \(build.version) and uses protocol version \(wire); this program is mm "
                + "\(ProductVersion.text) and uses version \(Self.wireVersion).",
            hint: wire > Self.wireVersion
                ? "Update this program." : "Restart the pool with this program: mm pool restart.",
            details: ["pool": .string(address.description)])
    }
}

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
        if let real = RealPath.of(executable), case .file(let mark) = FileStamp.lookUp(real) {
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
