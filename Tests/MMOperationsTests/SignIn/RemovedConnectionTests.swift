import MMCore
import MMSandbox
import MMSessions
import TestSupport
import Testing

@testable import MMOperations

@Suite("A connection that is removed, renamed or edited", .timeLimit(.minutes(20)))
struct RemovedConnectionTests {
    @Test("leaves no session: neither one that is signed in, nor one that waits for its person")
    func removed() async throws {
        let home = try await SignInHome()
        let sessions = home.service.services.sessions
        try await home.login("Demo")
        for module in ["teams", "exo"] { #expect(await home.run(module).isAnswered) }
        let code = try #require(await home.run("azure", on: "Plain").code)
        #expect(await home.run("teams", on: "Nightly").isAnswered)
        #expect(await home.call("connections_remove", ["connection": "Demo", "yes": true]).isAnswered)
        #expect(await home.call("connections_rename", ["connection": "Plain", "to": "Other"]).isAnswered)
        await home.service.services.sessionServices.endRemoved()
        #expect(await sessions.keys.map(\.connection) == ["Nightly"])
        // Nothing asks about the code any more.
        try await home.approve(code)
        let asked = try await home.signInRequests().token
        #expect(await home.run("teams", on: "Nightly").isAnswered)
        #expect(try await home.signInRequests().token == asked)
        await home.stop()
    }

    @Test("is noticed by itself where sessions are maintained")
    func noticed() async throws {
        let home = try await SignInHome()
        let services = home.service.services
        #expect(await home.run("teams", on: "Nightly").isAnswered)
        let upkeep = Task { await services.runMaintenance() }
        try services.registry.edit { (document) throws(MMError) in
            try RegistryEdit.remove("Nightly", from: &document)
        }
        #expect(await eventually { await services.sessions.keys.isEmpty })
        upkeep.cancel()
        await home.stop()
    }

    @Test("keeps the sessions of entries that are faulty for now, and those of every entry while the file is away")
    func faulty() async throws {
        let home = try await SignInHome()
        let services = home.service.services
        #expect(await home.run("teams", on: "Nightly").isAnswered)
        let before = try #require(try ProtectedFile.read(home.home.paths.registry))
        for text in ["{", #"{"connections": {"Nightly": 7}}"#] {
            try ProtectedFile.replace(home.home.paths.registry, with: Array(text.utf8))
            await services.sessionServices.endRemoved()
            #expect(await services.sessions.keys.count == 1, "\(text)")
        }
        try ProtectedFile.remove(home.home.paths.registry)
        await services.sessionServices.endRemoved()
        #expect(await services.sessions.keys.count == 1)
        try ProtectedFile.replace(home.home.paths.registry, with: before)
        #expect(await home.run("teams", on: "Nightly").isAnswered)
        await home.stop()
    }

    @Test("shows another code once it would sign in differently")
    func edited() async throws {
        let home = try await SignInHome()
        let first = try #require(await home.run("azure", on: "Plain").code)
        #expect(await home.run("azure", on: "Plain").code == first)
        let edit: JSONObject = ["connection": "Plain", "expectedEmail": "lena.vogt@contoso-sandbox.example"]
        #expect(await home.call("connections_edit", edit).isAnswered)
        let next = await home.run("azure", on: "Plain")
        #expect(next.code != nil && next.code != first, "\(next)")
        #expect(next.error.map { "\($0.details)".contains("lena.vogt") } == true, "\(next)")
        await home.stop()
    }
}
