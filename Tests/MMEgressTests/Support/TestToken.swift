import MMCore

/// Tokens in the form of the sign-in service, with invalid signatures.
enum TestToken {
    static let tenant = "11111111-2222-3333-4444-555555555555"
    static let object = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"

    static func access(audience: String, expiry: Int64 = 4_000_000_000, user: String = "admin@contoso.com") -> String {
        token([
            "aud": .string(audience), "tid": .string(tenant), "oid": .string(object), "exp": .int(expiry),
            "upn": .string(user), "scp": "User.Read.All",
        ])
    }

    static func identity(tenant: String = tenant, object: String = object, user: String = "admin@contoso.com") -> String
    {
        token([
            "aud": "12128f48-ec9e-42f0-b203-ea49fb6af367", "tid": .string(tenant), "oid": .string(object),
            "preferred_username": .string(user), "exp": 4_000_000_000,
        ])
    }

    private static func token(_ claims: JSONValue) -> String {
        let header: JSONValue = ["typ": "JWT", "alg": "RS256", "kid": "key"]
        let parts = [JSONWriter.bytes(header), JSONWriter.bytes(claims), RandomBytes.make(256)]
        return parts.map { Base64.text($0, alphabet: .url) }.joined(separator: ".")
    }
}
