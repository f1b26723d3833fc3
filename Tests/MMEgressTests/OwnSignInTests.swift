import MMCore
import MMHTTP
import MMIdentity
import TestSupport
import Testing

@testable import MMEgress

/// Sign-ins that a script starts by itself.
@Suite("Sign-ins started within a session", .timeLimit(.minutes(5)))
struct OwnSignInTests {
    private static let client = "12128f48-ec9e-42f0-b203-ea49fb6af367"
    private static let office = "d3590ed6-52b3-4102-aeff-aad2292ab01c"

    /// A gate, and the sign-in that runs.
    private final class Gate: Sendable {
        private final class Running: Sendable { let number = Mutex<Int?>(nil) }

        let gate: SignInGate
        private let running: Running

        init() {
            let running = Running()
            self.running = running
            gate = SignInGate(
                SignInRules(tenants: ["contoso.com", TestToken.tenant]) { running.number.withLock { $0 } })
        }

        var current: Int? {
            get { running.number.withLock { $0 } }
            set { running.number.withLock { $0 = newValue } }
        }

        /// Whether a request is allowed.
        func passes(_ method: String, _ target: String, _ form: String = "") -> Bool {
            let place = EgressPlace(
                service: .signIn, services: [.signIn], issuesTokens: true, host: "login.microsoftonline.com", port: 443,
                isSecure: true, audiences: [], isOpenToStrangers: false, owner: .service)
            let request = DescribedRequest(
                number: 1, session: "s", place: place, method: method, target: target, headers: [:],
                body: form.isEmpty ? .none : .whole(Array(form.utf8)), account: nil)
            do throws(WireFault) {
                try gate.check(request)
                return true
            } catch {
                return false
            }
        }
    }

    private static let token = "/organizations/oauth2/v2.0/token"

    @Test(
        "outside a sign-in that the pool has started no first token is asked for",
        arguments: [
            ("POST", "/organizations/oauth2/v2.0/devicecode", "client_id=\(office)&scope=openid"),
            ("POST", "/common/oauth2/devicecode?api-version=1.0", "client_id=\(office)&resource=x"),
            ("POST", "/common/%6Fauth2/v2.0/deviceCode", "client_id=\(client)&scope=openid"),
            ("GET", "/common/oauth2/v2.0/authorize?client_id=\(client)&response_type=code", ""),
            ("POST", token, "grant_type=password&client_id=\(client)&username=a&password=b"),
            ("POST", token, "grant_type=client_credentials&client_id=\(client)&client_secret=b"),
            ("POST", token, "grant_type=authorization_code&client_id=\(client)&code=b"),
            (
                "POST", token,
                "grant_type=urn:ietf:params:oauth:grant-type:device_code&client_id=\(client)&device_code=b"
            ),
            ("POST", token, "grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&client_id=\(client)&assertion=b"),
            ("POST", token, "client_id=\(client)"), ("POST", token + "/", "grant_type=password&client_id=\(client)"),
            ("POST", token + ";x", "grant_type=refresh_token&client_id=\(client)"),
            ("POST", "/common/oauth2/v2.0/logout", "x=y"), ("POST", "/common/login", "login=a&passwd=b"),
        ])
    func outside(method: String, target: String, form: String) {
        let gate = Gate()
        #expect(!gate.passes(method, target, form))
        // During such a sign-in, its client's requests are allowed.
        gate.current = 1
        let isStep = target.lowercased().contains("device") || target.contains("authorize") || target == Self.token
        #expect(gate.passes(method, target, form) == isStep || target.hasSuffix("/"))
    }

    @Test("in a sign-in only one client can sign in")
    func oneClient() {
        let gate = Gate()
        gate.current = 1
        let ask = "/organizations/oauth2/v2.0/devicecode"
        #expect(gate.passes("POST", ask, "client_id=\(Self.client)"))
        #expect(!gate.passes("POST", ask, "client_id=\(Self.office)"))
        #expect(!gate.passes("POST", ask, "scope=openid"))
        gate.current = nil
        #expect(!gate.passes("POST", ask, "client_id=\(Self.client)"))
        gate.current = 2
        #expect(gate.passes("POST", ask, "client_id=\(Self.office)"))
    }

    @Test("an app that signed in can sign in again, no other can")
    func app() {
        let gate = Gate()
        gate.current = 1
        #expect(gate.passes("POST", Self.token, "grant_type=client_credentials&client_id=\(Self.client)"))
        gate.current = nil
        #expect(gate.passes("POST", Self.token, "grant_type=client_credentials&client_id=\(Self.client)"))
        #expect(!gate.passes("POST", Self.token, "grant_type=client_credentials&client_id=\(Self.office)"))
        #expect(!gate.passes("POST", Self.token, "grant_type=password&client_id=\(Self.client)"))
    }

    @Test(
        "a renewal has to be for the client and scopes of the session's sign-in",
        arguments: [
            ("appcatalog.readwrite.all user.read.all offline_access", "AppCatalog.ReadWrite.All openid", true),
            ("AppCatalog.ReadWrite.All", "Mail.ReadWrite", false),
            ("AppCatalog.ReadWrite.All", "https://graph.microsoft.com/.default", false),
            ("AppCatalog.ReadWrite.All", "48ac35b8-9aa8-4d74-927d-1f4a14a0b239/.default", true),
            ("https://management.core.windows.net//.default", "https://management.azure.com/.default", true),
            ("https://management.core.windows.net//.default", "https://vault.azure.net/.default", true),
            ("https://management.core.windows.net//.default", "https://management.core.windows.net//.default", true),
            ("https://management.core.windows.net//.default", "https://graph.microsoft.com/Mail.Send", false),
            ("https://management.core.windows.net//.default", "https://management.azure.com/user_impersonation", true),
        ])
    func renewal(asked: String, scope: String, passes: Bool) {
        let gate = Gate()
        let form = FormFields(["client_id": Self.client, "scope": asked])
        gate.gate.gave("PLACEHOLDER", for: form, scopes: "https://management.azure.com/user_impersonation")
        let renewal = FormFields([
            "grant_type": "refresh_token", "client_id": Self.client, "refresh_token": "PLACEHOLDER", "scope": scope,
        ])
        #expect(gate.passes("POST", Self.token, String(decoding: renewal.body, as: UTF8.self)) == passes)
        let other = FormFields([
            "grant_type": "refresh_token", "client_id": Self.office, "refresh_token": "PLACEHOLDER", "scope": asked,
        ])
        #expect(!gate.passes("POST", Self.token, String(decoding: other.body, as: UTF8.self)))
    }

    @Test(
        "paths of other tenants are refused",
        arguments: [
            ("/contoso.com/v2.0/.well-known/openid-configuration", true),
            ("/\(TestToken.tenant)/discovery/v2.0/keys", true),
            ("/common/discovery/instance?api-version=1.1", true), ("/.well-known/openid-configuration", true),
            ("/evil.onmicrosoft.com/v2.0/.well-known/openid-configuration", false),
            ("/evil.onmicrosoft.com/oauth2/v2.0/authorize?client_id=x&state=SECRET", false),
            ("/consumers/oauth2/v2.0/authorize?client_id=x", false), ("/", false), ("/%65vil.com/x", false),
        ])
    func tenants(target: String, passes: Bool) {
        let gate = Gate()
        #expect(gate.passes("GET", target) == passes)
        gate.gate.admit(tenant: "EVIL.onmicrosoft.com")
        #expect(gate.passes("GET", "/evil.onmicrosoft.com/v2.0/.well-known/openid-configuration"))
    }

    @Test("refused requests are never sent, and the client gets an error in the sign-in service's form")
    func told() async throws {
        let upstream = try Upstream { _ in HTTPServerResponse(status: 200, body: .bytes([])) }
        let wire = try await TestWire(upstream: upstream.port) { $0.signIns = SignInRules(tenants: [TestToken.tenant]) }
        let answer = try await Curl.run(
            wire, ["-d", "client_id=\(Self.office)", "https://login.microsoftonline.com/common/oauth2/v2.0/devicecode"])
        #expect(
            answer.status == "403" && answer.text.contains("access_denied") && answer.text.contains("mm login"),
            "\(answer)")
        #expect(upstream.received.isEmpty)
        await wire.session.close()
        await upstream.stop()
    }
}
