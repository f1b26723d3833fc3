package import MMCore

/// What a pool says of itself in the handshake.
package struct PoolIdentity: Sendable, Hashable {
    /// The product's version.
    package let version: String
    /// Which build of it: differs where another program file was started.
    package let build: String
    /// The process.
    package let pid: Int32
    /// When it started.
    package let started: Timestamp

    /// A pool's identity.
    package init(version: String = ProductVersion.text, build: String, pid: Int32, started: Timestamp) {
        self.version = version
        self.build = build
        self.pid = pid
        self.started = started
    }

    /// The identity as the handshake carries it.
    package var json: JSONObject {
        [
            "version": .string(version), "build": .string(build), "pid": .int(Int64(pid)),
            "started": .string(started.iso8601Milliseconds),
        ]
    }

    /// The identity in a handshake's answer; `nil` when it is none.
    package init?(json: JSONObject) {
        guard let version = json["version"]?.string, let build = json["build"]?.string,
            let pid = json["pid"]?.int.flatMap({ Int32(exactly: $0) }),
            let started = json["started"]?.string.flatMap(Timestamp.init(iso8601:))
        else { return nil }
        self.init(version: version, build: build, pid: pid, started: started)
    }
}
