internal import Glibc
package import MMCore
package import MMSystem

/// The file by which other processes of the same user find a running sandbox.
package struct SandboxStateFile: Sendable {
    /// The base address of every service.
    package let base: String
    /// What control requests must carry.
    package let secret: Secret
    /// The process that serves it.
    package let process: ProcessIdentity
    /// When it started.
    package let startedAt: Timestamp

    init(base: String, secret: Secret, startedAt: Timestamp) {
        self.base = base
        self.secret = secret
        process = ProcessIdentity(running: getpid()) ?? ProcessIdentity(pid: getpid(), startTime: 0)
        self.startedAt = startedAt
    }

    private init(base: String, secret: Secret, process: ProcessIdentity, startedAt: Timestamp) {
        self.base = base
        self.secret = secret
        self.process = process
        self.startedAt = startedAt
    }

    /// The path of the file below the state folder.
    package static func path(in stateDirectory: String) -> String { "\(stateDirectory)/sandbox.json" }

    /// Writes the file, 0600.
    /// - Throws: `MMError` when the folder or the file can't be written.
    package func write(in stateDirectory: String) throws(MMError) {
        let services = [
            "login", "graph", "flow", "arm", "exchange", "compliance", "bap", "powerapps", "powerplatform", "teams",
            "keyvault",
        ]
        var members = JSONObject(services.map { ($0, .string(base)) })
        members["pid"] = .int(Int64(process.pid))
        members["startTime"] = .int(Int64(process.startTime))
        members["startedAt"] = .string(startedAt.iso8601)
        members["secret"] = .string(secret.reveal())
        members["tenantId"] = .string(TenantIdentity.id)
        members["appId"] = .string(TenantIdentity.demoApp)
        members["account"] = .string(TenantIdentity.administrator)
        members["automation"] = [
            "appId": .string(TenantIdentity.automationApp), "secret": .string(TenantIdentity.automationSecret),
        ]
        try ProtectedFile.replace(
            Self.path(in: stateDirectory), with: JSONWriter.bytes(.object(members), layout: .indented(2)) + [0x0A])
    }

    /// What the file says; `nil` when there is none.
    /// - Throws: `MMError` when it can't be read or is damaged.
    package static func read(in stateDirectory: String) throws(MMError) -> SandboxStateFile? {
        let path = path(in: stateDirectory)
        guard let bytes = try ProtectedFile.read(path, limit: 64 << 10) else { return nil }
        guard let json = try? JSONParser.parse(bytes), let base = json["login"]?.string, let pid = json["pid"]?.int,
            let processID = Int32(exactly: pid), processID > 0, let startTime = json["startTime"]?.int,
            let secret = json["secret"]?.string
        else {
            throw MMError(
                .invalidInput, "\(path) is not the state file of a sandbox.",
                hint: "Remove it and start the sandbox again.")
        }
        let startedAt = json["startedAt"]?.string.flatMap { Timestamp(iso8601: $0) } ?? Timestamp(seconds: 0)
        let process = ProcessIdentity(pid: processID, startTime: UInt64(max(0, startTime)))
        return SandboxStateFile(base: base, secret: Secret(secret), process: process, startedAt: startedAt)
    }

    /// The file of a tenant that runs; `nil` where none does, whoever has the number of a process that has ended.
    /// - Throws: `MMError` when the file can't be read or is damaged.
    package static func ofRunning(in stateDirectory: String) throws(MMError) -> SandboxStateFile? {
        guard let file = try read(in: stateDirectory), file.process.isRunning else { return nil }
        return file
    }

    /// Removes the file, if it still speaks of this process.
    /// - Throws: `MMError` when it can't be removed.
    package func remove(in stateDirectory: String) throws(MMError) {
        guard let written = try? Self.read(in: stateDirectory), written.process == process else { return }
        try ProtectedFile.remove(Self.path(in: stateDirectory))
    }
}
