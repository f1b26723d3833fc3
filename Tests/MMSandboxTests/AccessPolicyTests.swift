import MMCore
import MMHTTP
import Testing

@testable import MMSandbox

@Suite("Conditional Access", .timeLimit(.minutes(5)))
struct AccessPolicyTests {
    private func add(_ policy: JSONObject, _ bench: Bench) async {
        let answer = await bench.control("POST", "policies", .object(policy))
        #expect(answer.status == 201, "\(answer.json)")
    }

    private static let demands: [(grant: String, device: String, number: Int?)] = [
        ("block", "compliant", 53_003), ("mfa", "unknown", nil), ("external", "compliant", 50_158),
        ("compliantDevice", "compliant", 530_003), ("registeredDevice", "compliant", 50_097),
        ("joinedDevice", "joined", 53_001),
    ]

    @Test("a code can show a second factor, and nothing of the device it was started on", arguments: demands)
    func deviceCode(_ demand: (grant: String, device: String, number: Int?)) async {
        let bench = Bench()
        await add(["grant": .string(demand.grant)], bench)
        _ = await bench.control("POST", "surroundings", ["device": .string(demand.device)])
        let answer = await bench.signIn()
        #expect(answer["error_codes"]?[0]?.int == demand.number, "\(answer)")
        #expect((answer["access_token"] != nil) == (demand.number == nil))
    }

    @Test(
        "a browser shows its device and goes through further steps; what is missing comes back with its number",
        arguments: [
            ("block", "compliant", 53_003), ("external", "unknown", nil), ("mfa", "unknown", nil),
            ("compliantDevice", "compliant", nil), ("compliantDevice", "registered", 53_000),
            ("compliantDevice", "unknown", 530_003), ("registeredDevice", "registered", nil),
            ("registeredDevice", "unknown", 50_097), ("joinedDevice", "compliant", 53_001),
            ("joinedDevice", "joined", nil),
        ] as [(String, String, Int?)])
    func browser(grant: String, device: String, number: Int?) async {
        let bench = Bench()
        await add(["grant": .string(grant), "flows": ["browser"]], bench)
        _ = await bench.control("POST", "surroundings", ["device": .string(device)])
        let answer = await bench.inside { services -> Int? in
            do throws(TokenFault) {
                guard let app = RegisteredApp.find(TenantIdentity.demoApp),
                    let user = services.store.user(TenantIdentity.administrator)
                else { return -1 }
                _ = try services.control.issuer.begin(user.id, app: app, by: .browser)
                return nil
            } catch {
                return error.number
            }
        }
        #expect(answer == number)
        #expect(await bench.signIn()["access_token"] != nil, "another way to sign in is not concerned")
    }

    @Test("a policy that comes later is met at the refresh, with the claims to ask for, and a new sign-in satisfies it")
    func secondFactorLater() async {
        let bench = Bench()
        let old = await bench.signIn()["refresh_token"]?.string ?? ""
        await add(["grant": "mfa"], bench)
        let refused = await bench.refresh(old)
        #expect(refused.number == 50_076 && refused.json["claims"]?.string?.contains("capolids") == true)
        let new = await bench.signIn()["refresh_token"]?.string ?? ""
        #expect(await bench.refresh(new).status == 200)
    }

    @Test("a session that is older than the policy allows ends at its next refresh")
    func frequency() async {
        let bench = Bench()
        await add(["frequency": 3_600], bench)
        let token = await bench.signIn()["refresh_token"]?.string ?? ""
        bench.clock.advance(by: 3_600)
        let renewed = await bench.refresh(token)
        #expect(renewed.status == 200)
        bench.clock.advance(by: 1)
        let late = await bench.refresh(renewed.json["refresh_token"]?.string ?? "")
        #expect(late.number == 70_043, "a refresh is no new sign-in")
    }

    @Test("a policy holds for its people, apps and places alone")
    func conditions() async {
        let bench = Bench()
        await add(
            ["grant": "block", "users": ["ben.baker@contoso-sandbox.example"], "exceptLocations": ["office"]], bench)
        await add(["grant": "block", "apps": [.string(TenantIdentity.readerApp)]], bench)
        let ben = "ben.baker@contoso-sandbox.example"
        #expect(await bench.signIn(ben)["access_token"] != nil)
        _ = await bench.control("POST", "surroundings", ["location": "café"])
        #expect(await bench.signIn(ben)["error_codes"]?[0] == 53_003)
        #expect(await bench.signIn()["access_token"] != nil)
        #expect(await bench.signIn(app: TenantIdentity.readerApp)["error_codes"]?[0] == 53_003)
        #expect(await bench.control("DELETE", "policies").status == 204)
        #expect(await bench.signIn(ben)["access_token"] != nil)
    }

    @Test("an app that signs in by itself meets a block, and nothing that only a person can show")
    func app() async {
        let bench = Bench()
        func signIn() async -> HTTPServerResponse {
            await bench.post(
                "\(Bench.authority)/token",
                [
                    ("grant_type", "client_credentials"), ("client_id", TenantIdentity.automationApp),
                    ("client_secret", TenantIdentity.automationSecret),
                    ("scope", "https://graph.microsoft.com/.default"),
                ])
        }
        await add(["grant": "mfa"], bench)
        #expect(await signIn().status == 200)
        await add(["grant": "block", "flows": ["app"]], bench)
        #expect(await signIn().number == 53_003)
    }

    @Test(
        "a description that says nothing sensible is refused with what it may say",
        arguments: [
            [:], ["grant": "magic"], ["grant": "block", "flows": ["fax"]], ["grant": "block", "user": ["All"]],
            ["frequency": -1], ["grant": "block", "users": "All"],
        ] as [JSONObject])
    func nonsense(_ policy: JSONObject) async {
        let bench = Bench()
        let answer = await bench.control("POST", "policies", .object(policy))
        #expect(answer.status == 400 && answer.json["error"]?["message"]?.string?.isEmpty == false)
        #expect(await bench.control("POST", "surroundings", ["device": "toaster"]).status == 400)
        #expect(await bench.signIn()["access_token"] != nil)
    }
}
