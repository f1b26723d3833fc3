package import MMCore

/// Key sets of sign-in services and access tokens, good and bad (`Tests/Fixtures/oauth/make-tokens.py`).
package struct OAuthFixture: Sendable {
    /// The service other than Entra ID.
    package static let issuer = "https://issuer.example/realm"
    /// The audience of its tokens.
    package static let audience = "https://mcp.example/mcp"
    /// The tenant of Entra ID's tokens.
    package static let tenant = "11111111-1111-4111-8111-111111111111"
    /// Another tenant.
    package static let otherTenant = "22222222-2222-4222-8222-222222222222"
    /// The app that Entra ID's tokens are for.
    package static let app = "33333333-3333-4333-8333-333333333333"

    private let content: JSONValue

    /// Reads the fixture.
    package init() throws {
        let parts = #filePath.split(separator: "/").dropLast(2)
        let path = "/" + (parts + ["Fixtures", "oauth", "tokens.json"]).joined(separator: "/")
        content = try JSONParser.parse(ProtectedFile.read(path, limit: 1 << 20) ?? [])
    }

    /// A token by its special feature.
    package func token(_ name: String) throws -> String {
        guard let token = content["tokens"]?[name]?.string else {
            throw MMError(.notFound, "The fixture has no token “\(name)”.")
        }
        return token
    }

    /// A set of keys as published by a service: `first`, `rotated` or `entra`.
    package func keySet(_ name: String) -> [UInt8] {
        JSONWriter.bytes(["keys": content["keys"]?[name] ?? []])
    }

    /// The metadata of a service.
    package static func metadata(of issuer: String, more: JSONObject = [:]) -> [UInt8] {
        var object: JSONObject = ["issuer": .string(issuer), "jwks_uri": "https://keys.example/jwks"]
        for (name, value) in more { object[name] = value }
        return JSONWriter.bytes(.object(object))
    }
}
