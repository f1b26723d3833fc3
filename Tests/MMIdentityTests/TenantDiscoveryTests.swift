import MMCore
import MMHTTP
import TestSupport
import Testing

@testable import MMIdentity

@Suite("Finding a tenant by its name", .timeLimit(.minutes(5)))
struct TenantDiscoveryTests {
    private static let id = "0f6d1c52-3b8e-4a57-9c41-7be0d2a4f811"

    /// A service over a network that answers by script.
    private func service(_ script: @escaping ScriptedTransport.Script) throws -> (IdentityService, ScriptedTransport) {
        let home = try TestHome()
        let transport = ScriptedTransport(script)
        let identity = IdentityService(
            paths: StatePaths(environment: home.environment), transport: transport, pause: { _ in })
        return (identity, transport)
    }

    private static func configuration(_ login: String, _ more: JSONObject) -> HTTPResponse {
        var body: JSONObject = ["issuer": .string("https://\(login)/\(id)/v2.0")]
        for (name, value) in more { body[name] = value }
        return .json(.object(body))
    }

    private static let unknown = HTTPResponse.json(
        ["error": "invalid_tenant", "error_description": "AADSTS90002: Tenant not found."], status: 400)

    @Test(
        "the public directory names the cloud of a tenant in its configuration",
        arguments: [
            (["cloud_instance_name": "microsoftonline.com", "tenant_region_scope": "EU"], "public"),
            (["cloud_instance_name": "microsoftonline.com", "tenant_region_sub_scope": "GCC"], "gcc"),
            (["cloud_instance_name": "microsoftonline.us", "tenant_region_sub_scope": "DODCON"], "gcchigh"),
            (["cloud_instance_name": "microsoftonline.us", "tenant_region_sub_scope": "DOD"], "dod"),
            (["cloud_instance_name": "partner.microsoftonline.cn"], "china"),
        ] as [([String: String], String)])
    func clouds(_ said: [String: String], cloud: String) async throws {
        let (identity, transport) = try service { request, _ in
            guard !request.url.contains("getuserrealm") else { return .json(["FederationBrandName": "Contoso"]) }
            return Self.configuration(
                "login.microsoftonline.com", JSONObject(said.map { ($0.key, .string($0.value)) }))
        }
        let found = try await identity.discover("Contoso.com")
        #expect(found.cloud.name == cloud && found.id == Self.id)
        #expect(found.domain == "contoso.com" && found.brand == "Contoso")
        #expect(transport.requests.allSatisfy { $0.headers["Authorization"] == nil })
    }

    @Test("a tenant that the public directory doesn't know is searched for in the other clouds")
    func otherClouds() async throws {
        let (identity, transport) = try service { request, _ in
            request.url.hasPrefix("https://login.microsoftonline.us/")
                ? Self.configuration("login.microsoftonline.us", ["tenant_region_sub_scope": "DODCON"]) : Self.unknown
        }
        #expect(try await identity.discover("contoso.us").cloud.name == "gcchigh")
        #expect(transport.requests.first?.url.hasPrefix("https://login.microsoftonline.com/contoso.us/") == true)
    }

    @Test("an unknown tenant is an error that names the clouds; if a cloud was named, only that is asked")
    func nobodyKnows() async throws {
        let (identity, transport) = try service { _, _ in Self.unknown }
        await #expect {
            try await identity.discover("contoso.com")
        } throws: { error in
            let error = error as? MMError
            return error?.code == .notFound && error?.message.contains("public, gcchigh, china") == true
        }
        #expect(transport.requests.count == 3)
        await #expect(throws: MMError.self) { try await identity.discover("contoso.cn", in: "china") }
        #expect(transport.requests.count == 4)
    }

    @Test("an answer that isn't from a sign-in service doesn't count", arguments: [200, 302, 403, 503])
    func proxyPage(status: Int) async throws {
        let (identity, _) = try service { _, _ in
            HTTPResponse(status: status, headers: ["Content-Type": "text/html"], body: Array("<html>".utf8))
        }
        await #expect {
            try await identity.discover("contoso.com")
        } throws: { ($0 as? MMError)?.code == .remoteFailed }
    }

    @Test("a text that is neither a domain nor an id is never sent", arguments: ["", "contoso/../x", "a b", "x?y=z"])
    func hostileNames(_ name: String) async throws {
        let (identity, transport) = try service { _, _ in Self.unknown }
        await #expect(throws: MMError.self) { try await identity.discover(name) }
        #expect(transport.requests.isEmpty)
    }

    @Test("control characters in a name are written out when shown")
    func brandIsText() async throws {
        let (identity, _) = try service { request, _ in
            request.url.contains("getuserrealm")
                ? .json(["FederationBrandName": "Con\u{1B}[2Jtoso"])
                : Self.configuration("login.microsoftonline.com", [:])
        }
        let brand = try await identity.discover("contoso.com").brand ?? ""
        #expect(!brand.contains("\u{1B}") && brand.contains("toso"))
    }
}
