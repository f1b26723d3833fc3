import MMCore
import TestSupport
import Testing

@testable import MMGuard

@Suite("Paths looked at before they are sent", .timeLimit(.minutes(5)))
struct PathCheckTests {
    private let check = PathCheck()

    private func target(_ path: String) throws -> RequestTarget {
        try RequestTarget(parsing: path, service: .graph, normalization: .clean)
    }

    @Test("what the guard's recorded requests ask for is not doubted, unless no table has it")
    func recorded() throws {
        for line in try Fixture.lines("guard/lookup-cases.jsonl") {
            let row = try JSONParser.parse(line)
            let url = row["url"]?.string ?? ""
            guard let target = try? target(url), row["template"]?.string != nil else { continue }
            let fault = check.fault(row["method"]?.string ?? "GET", target)
            #expect(fault == nil, "\(row["method"]?.string ?? "") \(url)")
        }
    }

    @Test(
        "a body is needed where something is created or referred to, and never by an action",
        arguments: [
            ("/users", true), ("/me/messages", true), ("/groups/1/members/$ref", true),
            ("/me/drive/root/children", true),
            ("/users/1/revokeSignInSessions", false), ("/me/messages/1/send", false), ("/teams/1/archive", false),
            ("/users/1/microsoft.graph.revokeSignInSessions", false), ("/me/messages/1/createReply", false),
            ("/search/query", false), ("/somewhere/new", false),
        ])
    func bodies(path: String, isNeeded: Bool) throws {
        #expect(check.needsBody("POST", try target(path)) == isNeeded)
        #expect(!check.needsBody("GET", try target(path)))
    }

    @Test("calls that the data of permissions knows are not doubted")
    func permitted() throws {
        for line in try Fixture.lines("permissions/random-calls.jsonl") {
            let row = try JSONParser.parse(line)
            let url = row["url"]?.string ?? row["path"]?.string ?? ""
            guard !url.isEmpty, let target = try? target(url) else { continue }
            let fault = check.fault(row["method"]?.string ?? "GET", target)
            #expect(fault == nil, "\(row["method"]?.string ?? "") \(url)")
        }
    }

    @Test("every described call passes, also with keys that look like names")
    func described() {
        let index = EndpointIndex.standard
        for row in stride(from: 0, to: index.templateCount, by: 7) {
            for call in index.calls(of: index.template(row)) {
                let path = call.path.replacing("{", with: "").replacing("}", with: "")
                guard let target = try? target(path) else { continue }
                let fault = check.fault(call.method, target)
                #expect(fault == nil, "\(call.method) \(path)")
            }
        }
    }

    @Test(
        "properties, casts, counts, values and addressed items are not doubted",
        arguments: [
            "/users/ada@contoso.com/displayName", "/users/1/mailboxSettings/timeZone", "/me/photo/$value",
            "/me/mail/$value",
            "/users/$count", "/groups/1/members/microsoft.graph.user", "/groups/1/members/graph.user/$count",
            "/users('ada@contoso.com')/messages", "/applications(appId='1')/owners",
            "/me/drive/root:/a/b.docx:/content",
            "/sites/contoso.sharepoint.com:/sites/hr", "/sites/contoso.sharepoint.com:/sites/hr:/lists",
            "/me/drive/root/children",
            "/drives/1/items/2/workbook/worksheets/Sheet1/range(address='A1:B2')", "/users/1/extension_1_x", "/",
            "/groups/1/drive/root/children", "/teams/1/primaryChannel/messages", "/me/drive/special/documents/children",
            "/users/1/calendar/events/2/attachments", "/deviceManagement/managedDevices/1/deviceCategory",
            "/users/1/mailFolders/inbox/messages/2/attachments/3/$value", "/myorganization/users",
            "/sites/root/lists/1/items/2/fields", "/shares/u!abc/driveItem", "/beta/users/1/somethingNew",
            "/auditLogs/signIns?$filter=x", "/subscriptions", "/$metadata", "/drive/root/children", "/drive",
        ])
    func accepted(path: String) throws {
        #expect(check.fault("GET", try target(path)) == nil)
    }

    @Test(
        "a path that doesn't exist is named with the near ones",
        arguments: [
            ("/user", "/users"), ("/usres", "/users"),
            ("/users/ada@contoso.com/mesages", "/users/ada@contoso.com/messages"),
            ("/users/ada@contoso.com/message", "/users/ada@contoso.com/messages"), ("/messages", "/me/messages"),
            ("/mailFolders/inbox/messages", "/me/mailFolders/inbox/messages"),
            ("/group/1/members", "/groups/1/members"),
            ("/groups/1/member", "/groups/1/members"), ("/auditLogs/signIn", "/auditLogs/signIns"),
            ("/identity/conditionalAcces/policies", "/identity/conditionalAccess/policies"),
            ("/deviceManagement/managedDevicess", "/deviceManagement/managedDevices"),
            ("/beta/usrs", "/beta/users"),
        ])
    func near(path: String, meant: String) throws {
        guard case .unknown(_, _, let near)? = check.fault("GET", try target(path)) else {
            Issue.record("\(path) was not doubted")
            return
        }
        #expect(near.contains(meant), "\(near)")
        #expect(near.count <= 3)
    }

    @Test("what only beta has is said to be there")
    func beta() throws {
        let path = "/deviceManagement/configurationPolicies"
        #expect(check.fault("GET", try target(path)) == .betaOnly("/beta" + path))
        #expect(check.fault("GET", try target("/beta" + path)) == nil)
    }

    @Test(
        "a method that a path lacks is answered with those that it has",
        arguments: [
            ("DELETE", "/users", ["GET", "POST"], []), ("GET", "/users/1/sendMail", ["POST"], []),
            ("POST", "/users/1", ["GET", "PATCH", "DELETE"], []),
            ("POST", "/groups/1/members", ["GET"], ["POST", "DELETE"]),
            ("POST", "/users/1/manager", ["GET"], ["PUT", "DELETE"]),
        ])
    func methods(method: String, path: String, offered: [String], links: [String]) throws {
        guard case .method(_, let methods, let found)? = check.fault(method, try target(path)) else {
            Issue.record("\(method) \(path) was not doubted")
            return
        }
        #expect(Set(methods) == Set(offered) && Set(found) == Set(links))
    }

    @Test("requests to other services are none of its business")
    func others() throws {
        let target = try RequestTarget(parsing: "/nothing/of/this", service: .flow)
        #expect(check.fault("GET", target) == nil)
    }
}
