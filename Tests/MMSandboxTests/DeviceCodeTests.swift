import MMCore
import MMHTTP
import Testing

@testable import MMSandbox

@Suite("Signing in by device code", .timeLimit(.minutes(5)))
struct DeviceCodeTests {
    @Test("the start of a sign-in says code, address, lifetime and interval")
    func start() async {
        let bench = Bench()
        let answer = await bench.startDeviceCode()
        #expect(answer.status == 200)
        #expect(answer.json["user_code"]?.string?.count == 9)
        #expect(answer.json["verification_uri"] == "http://127.0.0.1:4711/devicelogin")
        #expect(answer.json["expires_in"] == 900)
        #expect(answer.json["interval"] == 5)
        let message = answer.json["message"]?.string ?? ""
        #expect(message.contains(answer.json["user_code"]?.string ?? "-"))
    }

    @Test("a code of a customer's is approved where all codes are, by an account of the customer")
    func customers() async throws {
        let bench = Bench { $0.customerCount = 2 }
        let customer = SandboxOrganization.customer(2)
        func start() async -> JSONValue {
            await bench.post(
                "/\(customer.domain)/oauth2/v2.0/devicecode",
                [("client_id", TenantIdentity.demoApp), ("scope", Bench.everything)]
            ).json
        }
        func tokens(_ start: JSONValue) async -> JSONValue {
            await bench.post(
                "/\(customer.id)/oauth2/v2.0/token",
                [
                    ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
                    ("client_id", TenantIdentity.demoApp), ("device_code", start["device_code"]?.string ?? ""),
                ]
            ).json
        }
        let first = await start()
        let approved = await bench.control("POST", "approve", ["userCode": first["user_code"] ?? .null])
        #expect(approved.json["account"] == "admin@customer-2.example")
        #expect(claims(of: await tokens(first)["id_token"])["tid"]?.string == customer.id)

        let second = await start()
        let code = try #require(second["user_code"]?.string)
        let form = await bench.send("GET", "/devicelogin?user_code=\(code)")
        #expect(String(decoding: form.bytes, as: UTF8.self).contains(code))
        let stranger = await bench.control(
            "POST", "approve", ["userCode": .string(code), "account": .string(TenantIdentity.administrator)])
        #expect(stranger.status == 404)
        #expect(await bench.control("POST", "approve", ["userCode": "AAAAAAAAA"]).status == 404)
    }

    @Test("a poll before the approval is told to wait, a hasty one to slow down")
    func pending() async {
        let bench = Bench()
        let code = await bench.startDeviceCode().json["device_code"]?.string ?? ""
        let first = await bench.poll(code)
        #expect(first.status == 400)
        #expect(first.errorCode == "authorization_pending")
        #expect(first.number == 70_016)
        #expect(first.json["error_description"]?.string?.hasPrefix("AADSTS70016: ") == true)
        #expect(first.headers["x-ms-request-id"] == first.json["trace_id"]?.string)
        bench.clock.advance(by: 2)
        #expect(await bench.poll(code).errorCode == "slow_down")
        bench.clock.advance(by: 6)
        #expect(await bench.poll(code).errorCode == "slow_down", "the interval grew by five seconds")
        bench.clock.advance(by: 30)
        #expect(await bench.poll(code).errorCode == "authorization_pending")
    }

    @Test("an approved sign-in answers tokens with the claims of the account")
    func approved() async throws {
        let bench = Bench()
        let tokens = await bench.signIn()
        #expect(tokens["token_type"] == "Bearer")
        #expect(tokens["expires_in"] == 4821)
        #expect(tokens["refresh_token"]?.string?.isEmpty == false)
        let identity = claims(of: tokens["id_token"])
        #expect(identity["aud"]?.string == TenantIdentity.demoApp)
        #expect(identity["tid"]?.string == TenantIdentity.id)
        #expect(identity["preferred_username"]?.string == TenantIdentity.administrator)
        #expect(identity["iss"] == .string("http://127.0.0.1:4711/\(TenantIdentity.id)/v2.0"))
        let access = claims(of: tokens["access_token"])
        #expect(access["aud"] == "https://graph.microsoft.com")
        #expect(access["oid"] == identity["oid"])
        #expect(access["scp"]?.string?.contains("Mail.ReadWrite") == true)
        let info = try #require(tokens["client_info"]?.string.flatMap { Base64.bytes($0, alphabet: .url) })
        let home = try JSONParser.parse(info)
        #expect(home["uid"] == identity["oid"])
        #expect(home["utid"]?.string == TenantIdentity.id)
    }

    @Test("a poll right after the approval succeeds, however soon it comes")
    func noSlowDownAfterApproval() async {
        let bench = Bench()
        let start = await bench.startDeviceCode().json
        let code = start["device_code"]?.string ?? ""
        _ = await bench.poll(code)
        _ = await bench.control("POST", "approve", ["userCode": start["user_code"] ?? .null])
        #expect(await bench.poll(code).status == 200)
        #expect(await bench.poll(code).number == 54_005, "a code serves once")
    }

    @Test("a declined sign-in says that the user said no")
    func declined() async {
        let bench = Bench()
        let start = await bench.startDeviceCode().json
        #expect(
            await bench.control("POST", "approve", ["userCode": start["user_code"] ?? .null, "decision": "decline"])
                .status
                == 200)
        #expect(await bench.poll(start["device_code"]?.string ?? "").errorCode == "authorization_declined")
    }

    @Test("a code that ran out is refused at the poll and at the approval")
    func expired() async {
        let bench = Bench()
        let start = await bench.startDeviceCode().json
        bench.clock.advance(by: 901)
        #expect(await bench.poll(start["device_code"]?.string ?? "").errorCode == "expired_token")
        #expect(await bench.control("POST", "approve", ["userCode": start["user_code"] ?? .null]).status == 410)
    }

    @Test("an unknown device code is refused")
    func unknownCode() async {
        let bench = Bench()
        #expect(await bench.poll("nothing").errorCode == "bad_verification_code")
    }

    @Test(
        "accounts that may not sign in say why",
        arguments: [("dora.disabled", 50_057), ("paul.policy", 53_003)])
    func refusedAccount(name: String, number: Int) async {
        let bench = Bench()
        let start = await bench.startDeviceCode().json
        let answer = await bench.control(
            "POST", "approve",
            ["userCode": start["user_code"] ?? .null, "account": .string("\(name)@\(TenantIdentity.domain)")])
        #expect(answer.status == 403)
        #expect(answer.text.contains("AADSTS\(number)"))
    }

    @Test(
        "bad starts are refused with their number",
        arguments: [
            ([("client_id", TenantIdentity.demoApp)], 900_144),
            ([("scope", "User.Read")], 900_144),
            ([("client_id", "not-a-guid"), ("scope", "User.Read")], 900_971),
            ([("client_id", "11111111-1111-4111-8111-111111111111"), ("scope", "User.Read")], 700_016),
            ([("client_id", TenantIdentity.disabledApp), ("scope", "User.Read")], 7_000_112),
            ([("client_id", TenantIdentity.automationApp), ("scope", "User.Read")], 7_000_218),
            ([("client_id", TenantIdentity.demoApp), ("scope", "Mail.Raed")], 70_011),
            (
                [("client_id", TenantIdentity.demoApp), ("scope", "https://graph.microsoft.com/.default User.Read")],
                70_011
            ),
            (
                [
                    ("client_id", TenantIdentity.demoApp),
                    ("scope", "https://graph.microsoft.com/User.Read https://service.flow.microsoft.com/User"),
                ],
                700_022
            ),
            ([("client_id", TenantIdentity.demoApp), ("scope", "https://nowhere.example/.default")], 500_011),
            ([("client_id", TenantIdentity.readerApp), ("scope", "Directory.ReadWrite.All")], 65_001),
        ])
    func badStart(fields: [(String, String)], number: Int) async {
        let bench = Bench()
        let answer = await bench.post("\(Bench.authority)/devicecode", fields)
        #expect(answer.number == number)
        #expect(answer.status == 400 || answer.status == 401)
    }

    @Test("the tenant must be this one", arguments: [("no-such-tenant.example", 90_002), ("not_a_domain", 900_023)])
    func tenant(name: String, number: Int) async {
        let bench = Bench()
        let answer = await bench.post(
            "/\(name)/oauth2/v2.0/devicecode", [("client_id", TenantIdentity.demoApp), ("scope", "User.Read")])
        #expect(answer.number == number)
        #expect(
            await bench.post(
                "/organizations/oauth2/v2.0/devicecode",
                [("client_id", TenantIdentity.demoApp), ("scope", "User.Read")]
            ).status == 200)
    }

    @Test("without offline_access there is no refresh token, without openid no identity")
    func narrowScopes() async {
        let bench = Bench()
        let tokens = await bench.signIn(scope: "User.Read")
        #expect(tokens["access_token"]?.string != nil)
        #expect(tokens["refresh_token"] == nil)
        #expect(tokens["id_token"] == nil)
        #expect(tokens["scope"] == "https://graph.microsoft.com/User.Read")
    }

    @Test("a guest's token names the guest here and the account at home")
    func guest() async throws {
        let bench = Bench()
        let tokens = await bench.signIn("gus.guest_fabrikam.example#EXT#@\(TenantIdentity.domain)")
        let identity = claims(of: tokens["id_token"])
        let info = try JSONParser.parse(
            try #require(tokens["client_info"]?.string.flatMap { Base64.bytes($0, alphabet: .url) }))
        #expect(identity["tid"]?.string == TenantIdentity.id)
        #expect(info["utid"]?.string != TenantIdentity.id)
        #expect(info["uid"] != identity["oid"])
        #expect(identity["preferred_username"] == "gus.guest@fabrikam.example")
    }
}
