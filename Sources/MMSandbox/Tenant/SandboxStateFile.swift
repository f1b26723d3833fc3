internal import Glibc
package import MMCore

/// The file by which other processes of the same user find a running sandbox.
package struct SandboxStateFile: Sendable {
    /// The base address of every service.
    package let base: String
    /// What control requests must carry.
    package let secret: Secret
    /// The process that serves it.
    package let processID: Int32
    /// When it started.
    package let startedAt: Timestamp

    init(base: String, secret: Secret, startedAt: Timestamp) {
        self.base = base
        self.secret = secret
        self.processID = getpid()
        self.startedAt = startedAt
    }

    private init(base: String, secret: Secret, processID: Int32, startedAt: Timestamp) {
        self.base = base
        self.secret = secret
        self.processID = processID
        self.startedAt = startedAt
    }

    /// The path of the file below the state folder.
    package static func path(in stateDirectory: String) -> String { "\(stateDirectory)/sandbox.json" }

    /// Writes the file, 0600.
    /// - Throws: `MMError` when the folder or the file can't be written.
    package func write(in stateDirectory: String) throws(MMError) {
        let services = ["login", "graph", "flow", "arm", "exchange", "compliance", "bap", "powerApps", "powerPlatform"]
        var members = JSONObject(services.map { ($0, .string(base)) })
        members["pid"] = .int(Int64(processID))
        members["startedAt"] = .string(startedAt.iso8601)
        members["secret"] = .string(secret.reveal())
        members["tenantId"] = .string(TenantIdentity.id)
        members["appId"] = .string(TenantIdentity.demoApp)
        members["account"] = .string(TenantIdentity.administrator)
        try ProtectedFile.replace(
            Self.path(in: stateDirectory), with: JSONWriter.bytes(.object(members), layout: .indented(2)) + [0x0A])
    }

    /// What the file says; `nil` when there is none.
    /// - Throws: `MMError` when it can't be read or is damaged.
    package static func read(in stateDirectory: String) throws(MMError) -> SandboxStateFile? {
        let path = path(in: stateDirectory)
        guard let bytes = try ProtectedFile.read(path, limit: 64 << 10) else { return nil }
        guard let json = try? JSONParser.parse(bytes), let base = json["login"]?.string, let pid = json["pid"]?.int,
            let processID = Int32(exactly: pid), processID > 0, let secret = json["secret"]?.string
        else {
            throw MMError(
                .invalidInput, "\(path) is not the state file of a sandbox.",
                hint: "Remove it and start the sandbox again.")
        }
        let startedAt = json["startedAt"]?.string.flatMap { Timestamp(iso8601: $0) } ?? Timestamp(seconds: 0)
        return SandboxStateFile(base: base, secret: Secret(secret), processID: processID, startedAt: startedAt)
    }

    /// Whether the process that wrote it still runs.
    package var isAlive: Bool { kill(processID, 0) == 0 || errno == EPERM }

    /// Removes the file, if it still speaks of this process.
    /// - Throws: `MMError` when it can't be removed.
    package func remove(in stateDirectory: String) throws(MMError) {
        guard let written = try? Self.read(in: stateDirectory), written.processID == processID else { return }
        try ProtectedFile.remove(Self.path(in: stateDirectory))
    }
}
