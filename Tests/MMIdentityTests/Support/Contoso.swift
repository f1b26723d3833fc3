import MMCore
import MMHTTP
import TestSupport

@testable import MMIdentity

/// The tenant of the fixtures.
enum Contoso {
    static let tenant = "0f6d1c52-3b8e-4a57-9c41-7be0d2a4f811"
    static let app = "5a1c9e70-2d34-4b6f-8e19-c0ffee5eed01"
    static let objectID = "b7e2f4a0-91cd-4e3b-a6d5-1f0c2e3d4a5b"
    static let email = "adele.admin@contoso.example"

    static func connection(
        _ name: String = "Contoso", expectedEmail: String? = email, cloud: String = "public", pin: AccountPin? = nil,
        more: JSONObject = [:]
    ) throws -> Connection {
        var entry: JSONObject = ["appId": .string(app), "tenantId": .string(tenant), "cloud": .string(cloud)]
        if let expectedEmail { entry["expectedEmail"] = .string(expectedEmail) }
        if let pin {
            entry["pin"] = ["tenantId": .string(pin.tenantId), "objectId": pin.objectId.map { .string($0) } ?? .null]
        }
        for (key, value) in more { entry[key] = value.isNull ? nil : value }
        return try Connection(name: name, entry: entry)
    }

    /// An unsigned id_token with these claims.
    static func idToken(_ changes: JSONObject = [:], login: String = "https://login.microsoftonline.com") -> String {
        var claims: JSONObject = [
            "aud": .string(app), "iss": .string("\(login)/\(tenant)/v2.0"), "iat": 1_767_225_300, "nbf": 1_767_225_300,
            "exp": 4_000_000_000, "oid": .string(objectID), "tid": .string(tenant),
            "preferred_username": .string(email),
            "sub": "subject", "ver": "2.0",
        ]
        for (key, value) in changes { claims[key] = value.isNull ? nil : value }
        let header = Base64.text(Array(#"{"typ":"JWT","alg":"none"}"#.utf8), alphabet: .url)
        return "\(header).\(Base64.text(JSONWriter.bytes(.object(claims)), alphabet: .url))."
    }

    /// The service principal of the app.
    static let principal = "7d1f0c7e-52b1-4c94-b2f6-3b1a2c9e8d40"

    /// An unsigned access token with these claims: of the app itself by default.
    static func accessToken(_ changes: JSONObject = [:], number: Int = 1) -> String {
        var claims: JSONObject = [
            "aud": "https://graph.microsoft.com", "appid": .string(app), "tid": .string(tenant),
            "oid": .string(principal), "idtyp": "app", "exp": 4_000_000_000, "uti": .int(Int64(number)),
        ]
        for (key, value) in changes { claims[key] = value.isNull ? nil : value }
        return "e30.\(Base64.text(JSONWriter.bytes(.object(claims)), alphabet: .url)).FAKE"
    }

    /// A success of the token endpoint for an app.
    static func appTokens(_ changes: JSONObject = [:], number: Int = 1, life: Int = 3599) -> HTTPResponse {
        .json([
            "token_type": "Bearer", "expires_in": .int(Int64(life)), "ext_expires_in": .int(Int64(life)),
            "access_token": .string(accessToken(changes, number: number)),
        ])
    }

    /// A connection of an app that signs in by itself.
    static func app(_ auth: JSONObject, more: JSONObject = [:]) throws -> Connection {
        try connection(expectedEmail: nil, more: more.with(["auth": .object(auth)]))
    }

    static func clientInfo(uid: String = objectID, utid: String = tenant) -> String {
        Base64.text(
            JSONWriter.bytes(["uid": .string(uid), "utid": .string(utid)]), alphabet: .url)
    }

    /// A success of the token endpoint.
    static func tokens(
        access: String = "FAKE-access", refresh: String? = "FAKE-refresh", scope: String? = nil, life: Int = 3600,
        claims: JSONObject = [:], login: String = "https://login.microsoftonline.com", more: JSONObject = [:]
    ) -> HTTPResponse {
        var body: JSONObject = [
            "token_type": "Bearer", "expires_in": .int(Int64(life)), "ext_expires_in": .int(Int64(life)),
            "access_token": .string(access), "id_token": .string(idToken(claims, login: login)),
            "client_info": .string(clientInfo()),
            "scope": .string(scope ?? "email openid profile https://graph.microsoft.com/User.Read"),
        ]
        if let refresh { body["refresh_token"] = .string(refresh) }
        for (key, value) in more { body[key] = value.isNull ? nil : value }
        return .json(.object(body))
    }

    static func deviceCode(_ code: String = "CTSO7K9QX", life: Int = 900, interval: Int = 5) -> HTTPResponse {
        .json([
            "user_code": .string(code), "device_code": .string("FAKE-device-\(code)"),
            "verification_uri": "https://microsoft.com/devicelogin", "expires_in": .int(Int64(life)),
            "interval": .int(Int64(interval)), "message": .string("Open the page and enter the code \(code)."),
        ])
    }

    static func refusal(
        _ error: String, code: Int? = nil, suberror: String? = nil, status: Int = 400, headers: HTTPHeaders = [:],
        claims: String? = nil
    ) -> HTTPResponse {
        var body: JSONObject = ["error": .string(error)]
        if let code {
            body["error_codes"] = [.int(Int64(code))]
            body["error_description"] = .string("AADSTS\(code): Something. Trace ID: 1 Correlation ID: 2")
        }
        if let suberror { body["suberror"] = .string(suberror) }
        if let claims { body["claims"] = .string(claims) }
        return .json(.object(body), status: status, headers: headers)
    }
}

extension IdentityService {
    /// A service with a network in memory; pauses pass at once and advance the clock.
    static func scripted(
        _ home: TestHome, _ transport: ScriptedTransport, clock: TestClock = TestClock(),
        environment: [String: String] = [:], methods: [String: SignInMethod] = [:]
    ) -> IdentityService {
        IdentityService(
            paths: home.paths, environment: environment, transport: transport, clock: clock.wall, methods: methods
        ) { wait in
            clock.advance(wait.components.seconds + (wait.components.attoseconds > 0 ? 1 : 0))
            try Task.checkCancellation()
        }
    }
}

extension JSONObject {
    /// The same object with these members replaced.
    func with(_ changes: JSONObject) -> JSONObject {
        var result = self
        for (key, value) in changes { result[key] = value }
        return result
    }
}
