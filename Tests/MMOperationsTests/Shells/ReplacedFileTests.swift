import Glibc
import MMCore
import MMOperations
import MMShell
import MMSystem
import TestHosts
import TestSupport
import Testing

@Suite(
    "Files of hosts that calls replace", .enabled(if: LoopbackSSHD.isInstalled, "sshd is not installed"),
    .timeLimit(.minutes(10)))
struct ReplacedFileTests {
    private let home = JobHome()
    private let service: LocalOperationService

    init() {
        Signals.ignoreBrokenPipes()
        service = LocalOperationService(services: home.services)
        mkdir(home.path, 0o700)
    }

    private func call(_ name: String, _ arguments: JSONObject) async throws -> OperationAnswer {
        let context = CallContext(
            caller: Caller(surface: .mcp, name: "test", server: "mm"), timeLimit: .seconds(120), sessionID: "a")
        return try await service.call(name, arguments, in: context)
    }

    private func rows(_ answer: OperationAnswer) -> [JSONValue] {
        if case .value(let value) = answer.body { value.array ?? [] } else { [] }
    }

    private func text(_ path: String) throws -> String? {
        try ProtectedFile.read(path).map { String(decoding: $0, as: UTF8.self) }
    }

    @Test("are put back by an undo, which can be undone, and left alone where somebody has changed them since")
    func undone() async throws {
        let folder = try TestFolder.make("/tmp/mm-replaced-")
        let server = try await LoopbackSSHD.start(in: folder)
        let settings = """
            Host box
              HostName 127.0.0.1
              Port \(server.port)
              User \(LoopbackSSHD.user)
              IdentityFile \(folder)/user
              IdentitiesOnly yes
            """
        try ProtectedFile.replace(folder + "/config", with: Array(settings.utf8))
        try ProtectedFile.replace(
            home.path + "/.m365-shells.json",
            with: JSONWriter.bytes([
                "sandbox": "guard",
                "ssh": [
                    "interpreters": "allow", "config": .string(folder + "/config"), "hostKeys": "accept-new",
                    "knownHosts": .string(folder + "/known"),
                ],
            ]))
        let path = folder + "/motd"
        func upload(_ text: String) async throws {
            _ = try await call("ssh_upload", ["host": "box", "path": .string(path), "content": .string(text)])
        }
        try await upload("one")
        #expect(rows(try await call("undo_list", [:])).isEmpty, "a new file took nothing's place")
        try await upload("two")
        let listed = rows(try await call("undo_list", [:]))
        #expect(listed.count == 1 && listed[0]["state"] == "can be undone", "\(listed)")
        #expect(listed[0]["change"]?.string == "replaces the file \(path) on box")
        let id = try #require(listed[0]["id"])
        let forecast = rows(try await call("undo", ["id": id, "dryRun": true]))
        #expect(forecast[0]["undo"]?.string?.contains(".motd.mm-kept-") == true, "\(forecast)")
        #expect(try text(path) == "two")

        #expect(rows(try await call("undo", ["id": id]))[0]["result"] == "undone")
        #expect(try text(path) == "one")
        await #expect(throws: MMError.self) { _ = try await call("undo", ["id": id]) }
        let again = try #require(rows(try await call("undo_list", [:])).first?["id"])
        #expect(rows(try await call("undo", ["id": again]))[0]["result"] == "undone")
        #expect(try text(path) == "two")

        try await upload("three")
        try ProtectedFile.replace(path, with: Array("by hand".utf8))
        let last = try #require(rows(try await call("undo_list", [:])).first?["id"])
        await #expect(throws: MMError.self) { _ = try await call("undo", ["id": last]) }
        #expect(try text(path) == "by hand")
        let all = try await call("undo", ["since": "1h"])
        #expect(all.missing != nil && rows(all).count >= 1)
        await home.services.close()
        await server.stop()
    }
}
