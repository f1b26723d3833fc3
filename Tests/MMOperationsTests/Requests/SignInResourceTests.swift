import MMCore
import MMIdentity
import TestSupport
import Testing

@testable import MMOperations

@Suite("The service that a sign-in is for first", .timeLimit(.minutes(5)))
struct SignInResourceTests {
    private func resource(_ text: String?, sharePoint: String? = "contoso") throws -> ServiceResource {
        var entry: JSONObject = [
            "appId": "5a1c9e70-2d34-4b6f-8e19-c0ffee5eed01",
            "tenantId": "0f6d1c52-3b8e-4a57-9c41-7be0d2a4f811",
            "apis": ["crm": "https://org.crm.dynamics.com"],
        ]
        if let sharePoint { entry["sharepoint_host"] = .string(sharePoint) }
        var arguments: JSONObject = ["connection": "Contoso"]
        if let text { arguments["resource"] = .string(text) }
        let reader = try InputReader(operation: "login", arguments: arguments, fields: Login.Input.fields)
        return try Login.Input(from: reader).resource.resource(
            of: try Connection(name: "Contoso", entry: entry),
            in: IdentityService(environment: try TestHome().environment))
    }

    @Test(
        "is named as requests name it: a word, a full address, or an API of the connection",
        arguments: [
            (nil, "graph"), ("graph", "graph"), ("Flow", "flow"), ("azure", "arm"), ("arm", "arm"),
            ("exchange", "exchange"), ("powerplatform", "powerplatform"), ("sharepoint", "sharepoint-contoso"),
            ("https://management.azure.com/subscriptions", "arm"), ("https://graph.microsoft.com/v1.0/me", "graph"),
            ("https://contoso-admin.sharepoint.com", "sharepoint-contoso-admin"),
            ("https://api.bap.microsoft.com", "bap"), ("crm", "https://org.crm.dynamics.com"),
            ("https://org.crm.dynamics.com", "https://org.crm.dynamics.com"),
            ("api://11111111-2222-4333-8444-555555555555", "api://11111111-2222-4333-8444-555555555555"),
        ] as [(String?, String)])
    func found(text: String?, name: String) throws {
        #expect(try resource(text).name == name)
    }

    @Test("is refused with what to do instead", arguments: ["grpah", "http://x"])
    func refused(text: String) throws {
        let error = #expect(throws: MMError.self) { try resource(text) }
        let hint = error?.hint ?? ""
        #expect(error?.code == .invalidInput && !hint.isEmpty)
    }

    @Test("needs the tenant's host for SharePoint")
    func noSharePoint() throws {
        let error = #expect(throws: MMError.self) { try resource("sharepoint", sharePoint: nil) }
        let hint = error?.hint ?? ""
        #expect(hint.contains("sharepoint_host"))
    }
}
