import MMCore
import MMDesk
import MMIdentity
import TestSupport
import Testing

@testable import MMOperations

@Suite("Services of requests", .timeLimit(.minutes(5)))
struct RequestResourceTests {
    private let home: TestHome

    init() throws { home = try TestHome() }

    private func place(_ resource: RequestResource?, _ endpoint: String, cloud: String = "public") throws
        -> RequestResource.Place
    {
        let connection = try Connection(
            name: "Contoso",
            entry: [
                "appId": "5a1c9e70-2d34-4b6f-8e19-c0ffee5eed01", "tenant": "contoso.com", "sharepoint_host": "contoso",
                "cloud": .string(cloud),
            ])
        let identity = IdentityService(environment: home.environment)
        return try RequestResource.place(
            resource, of: endpoint, connection: connection, cloud: try identity.cloud(of: connection))
    }

    @Test(
        "a path goes to the service that was named, a full address to its own",
        arguments: [
            (nil, "/me", .graph, .graph), (.flow, "/providers/Microsoft.ProcessSimple/environments", .flow, .flow),
            (.azure, "/subscriptions", .azure, .arm),
            (.powerplatform, "/providers/Microsoft.BusinessAppPlatform/environments", .powerplatform, .bap),
            (.powerplatform, "/providers/Microsoft.PowerApps/apps", .powerplatform, .powerApps),
            (.powerplatform, "providers/Microsoft.PowerApps/apps", .powerplatform, .powerApps),
            (.powerplatform, "/providers/PowerPlatform.Governance/v1/policies", .powerplatform, .bap),
            (.powerplatform, "/environmentmanagement/environments", .powerplatform, .powerPlatform),
            (.sharepoint, "/_api/web", .sharepoint, .sharePoint),
            (nil, "https://graph.microsoft.com/v1.0/me", .graph, .graph),
            (nil, "HTTPS://Management.Azure.com:443/subscriptions", .azure, .arm),
            (nil, "https://api.flow.microsoft.com/providers", .flow, .flow),
            (nil, "https://api.bap.microsoft.com/providers", .powerplatform, .bap),
            (nil, "https://contoso-admin.sharepoint.com/_api/web", .sharepoint, .sharePoint),
        ] as [(RequestResource?, String, RequestResource, RequestService)])
    func found(named: RequestResource?, endpoint: String, resource: RequestResource, service: RequestService) throws {
        let place = try place(named, endpoint)
        #expect(place.resource == resource && place.service == service)
        if endpoint.contains("contoso-admin") { #expect(place.sharePointLabel == "contoso-admin") }
    }

    @Test("a full address of the simulated cloud goes to the sandbox's own service", arguments: [true, false])
    func sandbox(isOwn: Bool) throws {
        let origin = "http://127.0.0.1:4999"
        let identity = IdentityService(environment: home.environment.merging(["MM_SANDBOX_URL": origin]) { $1 })
        let connection = try Connection(
            name: "Demo",
            entry: [
                "appId": "5a1c9e70-2d34-4b6f-8e19-c0ffee5eed01", "tenant": "contoso-sandbox.example",
                "sharepoint_host": "contososandbox", "cloud": "sandbox",
            ])
        let endpoint = "https://\(isOwn ? "contososandbox" : "fabrikam").sharepoint.com/_api/web"
        let place = try? RequestResource.place(
            nil, of: endpoint, connection: connection, cloud: try identity.cloud(of: connection))
        #expect(place?.service == (isOwn ? .sharePoint : nil))
        guard let place else { return }
        let client = try GuardedClient(
            identity: identity, connection: connection, service: place.service, sharePointLabel: place.sharePointLabel)
        #expect(try client.target(endpoint).path == "/_api/web")
    }

    @Test(
        "an address outside the connection's cloud and tenant is refused, and the error says which services there are",
        arguments: [
            "https://evil.example/v1.0/me", "https://graph.microsoft.us/v1.0/me", "http://graph.microsoft.com/me",
            "https://graph.microsoft.com.evil.example/me", "https://graph.microsoft.com:8443/me",
            "https://fabrikam.sharepoint.com/_api/web", "https://contoso.sharepoint.com.evil.example/_api/web",
        ])
    func refused(endpoint: String) throws {
        let error = #expect(throws: MMError.self) { try place(nil, endpoint) }
        #expect(error?.code == .invalidInput)
        let hint = error?.hint ?? ""
        #expect(hint.contains("powerplatform"))
    }
}
