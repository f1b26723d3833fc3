import Glibc
package import MMCore
package import MMSystem

/// What a pool tells of itself before anything is asked of it: finding, stopping and replacing pools go by this.
package struct PoolHandshake: Sendable, Hashable {
    /// Where every pool answers with it.
    package static let path = "/v1/handshake"
    /// The version of the wire that this program speaks. It rises when a call of one side no longer means the same to the
    /// other; further events and headers are no reason.
    package static let wireVersion = 1

    /// The version of the wire that the pool speaks.
    package var wire = PoolHandshake.wireVersion
    /// Which program it runs.
    package let build: PoolBuild
    /// Its process.
    package let process: ProcessIdentity
    /// When it started.
    package let started: Timestamp
    /// Which set of files it serves; empty for a pool that is not found by its files.
    package let key: String
    /// Whether it takes no more calls.
    package var isDraining = false

    /// A pool's identity.
    package init(build: PoolBuild, process: ProcessIdentity, started: Timestamp, key: String = "") {
        self.build = build
        self.process = process
        self.started = started
        self.key = key
    }

    /// The identity of this process, which starts to serve now.
    /// - Parameter key: which set of files it serves.
    package static func ofThisProcess(key: String = "") -> PoolHandshake {
        let process = ProcessIdentity(running: getpid()) ?? ProcessIdentity(pid: getpid(), startTime: 0)
        return PoolHandshake(build: .own, process: process, started: .now, key: key)
    }

    /// As JSON for the pool's owner.
    package var json: JSONObject {
        var object = publicJSON
        object["executable"] = .string(build.executable)
        object["startTime"] = .int(Int64(clamping: process.startTime))
        object["key"] = .string(key)
        object["draining"] = .bool(isDraining)
        return object
    }

    /// What everybody may know who is let in, with the names that other clients of a pool read.
    package var publicJSON: JSONObject {
        [
            "version": .string(build.version), "build": .string(build.text), "pid": .int(Int64(process.pid)),
            "started": .string(started.iso8601Milliseconds), "wire": .int(Int64(wire)),
        ]
    }

    /// A pool's handshake; `nil` for what is none.
    package init?(_ json: JSONValue) {
        guard let version = json["version"]?.string, let pid = json["pid"]?.int.flatMap({ Int32(exactly: $0) }),
            let text = json["build"]?.string,
            let build = PoolBuild(version: version, executable: json["executable"]?.string ?? "", text: text),
            let started = json["started"]?.string.flatMap({ Timestamp(iso8601: $0) })
        else { return nil }
        self.init(
            build: build, process: ProcessIdentity(pid: pid, startTime: UInt64(clamping: json["startTime"]?.int ?? 0)),
            started: started, key: json["key"]?.string ?? "")
        // Pools that say nothing of it spoke the first version.
        wire = json["wire"]?.int ?? 1
        isDraining = json["draining"]?.bool ?? false
    }

    /// Refuses a pool that speaks another version of the wire.
    /// - Throws: `unavailable` that says which of the two is to be updated.
    package func requireSameWire(at address: PoolAddress) throws(MMError) {
        guard wire != Self.wireVersion else { return }
        throw MMError(
            .unavailable,
            "The pool at \(address) is mm \(build.version) and speaks version \(wire) of the pool's wire; this program is mm "
                + "\(ProductVersion.text) and speaks version \(Self.wireVersion).",
            hint: wire > Self.wireVersion
                ? "Update this program." : "Restart the pool with this program: mm pool restart.",
            details: ["pool": .string(address.description)])
    }
}
