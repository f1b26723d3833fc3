import MMCore
import MMSystem

/// What a pool tells of itself before anything is asked of it.
struct PoolHandshake: Sendable {
    /// Which program it runs.
    let build: PoolBuild
    /// Its process.
    let process: ProcessIdentity
    /// When it started.
    let started: String
    /// Which set of files it serves.
    let key: String
    /// Whether it takes no more calls.
    let isDraining: Bool

    init(build: PoolBuild, process: ProcessIdentity, started: String, key: String, isDraining: Bool) {
        self.build = build
        self.process = process
        self.started = started
        self.key = key
        self.isDraining = isDraining
    }

    /// As JSON, with the names that other clients of a pool read: `version`, `build`, `pid`, `started`.
    var json: JSONObject {
        [
            "version": .string(build.version), "build": .string(build.text), "pid": .int(Int64(process.pid)),
            "started": .string(started), "executable": .string(build.executable),
            "startTime": .int(Int64(clamping: process.startTime)), "key": .string(key), "draining": .bool(isDraining),
        ]
    }

    /// A pool's handshake; `nil` for what is none.
    init?(_ json: JSONValue) {
        guard let version = json["version"]?.string, let pid = json["pid"]?.int, let text = json["build"]?.string,
            let build = PoolBuild(version: version, executable: json["executable"]?.string ?? "", text: text)
        else { return nil }
        self.build = build
        process = ProcessIdentity(pid: Int32(clamping: pid), startTime: UInt64(json["startTime"]?.int ?? 0))
        started = json["started"]?.string ?? ""
        key = json["key"]?.string ?? ""
        isDraining = json["draining"]?.bool ?? false
    }
}

/// A pool that answers.
struct RunningPool: Sendable {
    /// Where.
    let socket: String
    /// What it tells of itself.
    let handshake: PoolHandshake
}
