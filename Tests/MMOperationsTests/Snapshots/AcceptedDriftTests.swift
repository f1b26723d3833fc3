import MMCore
import TestSupport
import Testing

@testable import MMOperations

@Suite("What drift is held against", .timeLimit(.minutes(10)))
struct AcceptedDriftTests {
    private func drift(_ tenant: ChangesHome, _ more: JSONObject = [:]) async throws(MMError) -> OperationAnswer {
        try await tenant.call("drift", Self.with("connection", "Demo", more))
    }

    private static func with(_ name: String, _ value: JSONValue, _ arguments: JSONObject) -> JSONObject {
        var arguments = arguments
        arguments[name] = value
        return arguments
    }

    private func failure(of work: () async throws(MMError) -> Void) async -> MMError? {
        do throws(MMError) {
            try await work()
            return nil
        } catch {
            return error
        }
    }

    private func take(_ tenant: ChangesHome, _ kinds: [JSONValue]) async throws {
        _ = try await tenant.call("snapshot_take", ["connection": "Demo", "only": .array(kinds)])
    }

    @Test("what a person accepts with a reason is no drift until its day, and another change of it is")
    func accepted() async throws {
        let tenant = try await ChangesHome(users: 12)
        try await take(tenant, ["remote-domains", "accepted-domains"])
        try await tenant.run("Set-RemoteDomain Default -AutoReplyEnabled $false")
        #expect(try await drift(tenant).exitStatus == 2)
        #expect(
            await failure { () async throws(MMError) in _ = try await drift(tenant, ["accept": ["Default"]]) }?.code
                == .invalidInput)
        let until = "2099-12-31"
        let terms: JSONObject = ["accept": ["Default"], "reason": "Ticket 4711", "until": .string(until)]
        let model = await failure { () async throws(MMError) in
            _ = try await tenant.call("drift", Self.with("connection", "Demo", terms), as: "somebody")
        }
        #expect(model?.code == .forbidden)
        let past = await failure { () async throws(MMError) in
            _ = try await drift(tenant, Self.with("until", "2020-01-01", terms))
        }
        #expect(past?.code == .invalidInput)
        let answer = try await drift(tenant, terms)
        #expect(answer.exitStatus == 0)
        let row = ChangesHome.value(answer)["accepted"]?[0]
        #expect(
            row?["reason"] == "Ticket 4711" && row?["until"]?.string == until
                && row?["person"]?.string == ThisProcess.login)
        let again = try await drift(tenant)
        #expect(again.exitStatus == 0 && again.text?.contains("Ticket 4711") == true, "\(again.text ?? "")")
        try await take(tenant, ["accepted-domains"])
        try await take(tenant, ["remote-domains"])
        #expect(try await drift(tenant).exitStatus == 0)
        try await tenant.run("Set-RemoteDomain Default -AutoReplyEnabled $true -IsInternal $true")
        #expect(try await drift(tenant).exitStatus == 2)
        await tenant.stop()
    }

    @Test("what was accepted until a day that is over is drift again, and says so; a file without a reason is refused")
    func over() async throws {
        let tenant = try await ChangesHome(users: 12)
        let folder = tenant.home.path + "/gold"
        _ = try await tenant.call(
            "snapshot_take", ["connection": "Demo", "only": ["remote-domains"], "to": .string(folder)])
        try await tenant.run("Set-RemoteDomain Default -AutoReplyEnabled $false")
        func write(_ entry: JSONObject) throws {
            let value: JSONValue = ["accepted": [.object(entry)]]
            try ProtectedFile.replace("\(folder)/accepted.json", with: JSONWriter.bytes(value))
        }
        var entry: JSONObject = [
            "kind": "remote-domains", "object": "default", "reason": "Move", "person": "Ada", "until": "2020-01-31",
        ]
        try write(entry)
        let ended = try await drift(tenant, ["against": .string(folder)])
        #expect(ended.exitStatus == 2 && ended.text?.contains("was accepted until 2020-01-31 by Ada") == true)
        entry["until"] = "2099-01-31"
        try write(entry)
        #expect(try await drift(tenant, ["against": .string(folder)]).exitStatus == 0)
        entry["reason"] = nil
        try write(entry)
        let bad = await failure { () async throws(MMError) in _ = try await drift(tenant, ["against": .string(folder)])
        }
        #expect(bad?.code == .invalidInput)
        // A later snapshot leaves the file where it is.
        entry["reason"] = "Move"
        try write(entry)
        _ = try await tenant.call(
            "snapshot_take", ["connection": "Demo", "only": ["accepted-domains"], "to": .string(folder)])
        #expect(try AcceptedDeviations(in: folder).all.count == 1)
        await tenant.stop()
    }

    @Test("a kind that the snapshot hasn't got is never green, and another tenant's snapshot is refused")
    func looked() async throws {
        let tenant = try await ChangesHome(users: 12)
        try await take(tenant, ["remote-domains"])
        let error = await failure { () async throws(MMError) in
            _ = try await drift(tenant, ["only": ["transport-rules"]])
        }
        #expect(
            error?.code == .notFound && error?.message.contains("transport-rules") == true,
            "\(String(describing: error))")
        let partly = try await drift(tenant, ["only": ["transport-rules", "remote-domains"]])
        #expect(partly.exitStatus == 1 && partly.missing?.contains("transport-rules") == true)
        let store = SnapshotStore(paths: tenant.home.paths, connection: "Demo")
        let path = try store.find("latest") + "/snapshot.json"
        let text = String(decoding: try #require(try ProtectedFile.read(path)), as: UTF8.self)
        try ProtectedFile.replace(
            path,
            with: Array(
                text.replacing("5a4db0c5-7e11-4c02-9d0e-5a11db0c5e01", with: "11111111-7e11-4c02-9d0e-5a11db0c5e01")
                    .utf8))
        for against in [JSONValue.null, "Demo@latest"] {
            let more: JSONObject = against.isNull ? [:] : ["against": against]
            let error = await failure { () async throws(MMError) in _ = try await drift(tenant, more) }
            #expect(error?.code == .conflict && error?.message.contains("another tenant") == true)
        }
        // A folder that is named is how one compares two tenants.
        #expect(try await drift(tenant, ["against": .string(try store.find("latest"))]).exitStatus == 0)
        await tenant.stop()
    }

    @Test("drift says who changed an object and when, as far as the directory tells")
    func origin() async throws {
        let tenant = try await ChangesHome(users: 12)
        try await take(tenant, ["groups"])
        let group = try #require(
            try await tenant.list("/groups?$filter=displayName eq 'VPN Users'").first?["id"]?.string)
        try await tenant.graph("PATCH", "/groups/\(group)", ["description": "By hand"])
        let answer = try await drift(tenant)
        let finding = ChangesHome.value(answer)["findings"]?[0]
        #expect(finding?["changedBy"] == "admin@contoso-sandbox.example", "\(answer.text ?? "")")
        #expect(finding?["changedAt"]?.string?.isEmpty == false)
        #expect(answer.text?.contains("by admin@contoso-sandbox.example at ") == true)
        await tenant.stop()
    }

    @Test("a snapshot that lost a kind which the one before it had says so")
    func lost() async throws {
        let tenant = try await ChangesHome(users: 12)
        try await take(tenant, ["named-locations", "domains"])
        try await tenant.control(
            "POST", "faults", ["kind": "status", "status": 403, "path": "*namedLocations*", "count": 5])
        let answer = try await tenant.call(
            "snapshot_take", ["connection": "Demo", "only": ["named-locations", "domains"]])
        #expect(answer.exitStatus == 1 && answer.missing?.contains("named-locations") == true, "\(answer.notes)")
        await tenant.stop()
    }
}
