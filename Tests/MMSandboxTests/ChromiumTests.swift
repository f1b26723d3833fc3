import HeadlessBrowser
import MMCore
import MMHTTP
import Testing

@testable import MMSandbox

@Suite(
    "The approval page in headless Chromium", .serialized,
    .enabled(if: Chromium.isInstalled, "chromium is not installed (apt-get install chromium)"), .timeLimit(.minutes(10))
)
struct ChromiumTests {
    /// A running tenant with a sign-in that waits.
    private func waiting(scope: String = Bench.everything) async throws -> (
        tenant: SandboxTenant, base: String, code: String, deviceCode: String
    ) {
        let tenant = SandboxTenant()
        let base = try await tenant.start()
        let body = "client_id=\(TenantIdentity.demoApp)&scope=\(Bench.escaped(scope))"
        let start = await tenant.answer(
            HTTPServerRequest("POST", "\(Bench.authority)/devicecode", body: Array(body.utf8))
        )
        .json
        return (tenant, base, start["user_code"]?.string ?? "", start["device_code"]?.string ?? "")
    }

    private func poll(_ tenant: SandboxTenant, _ deviceCode: String) async -> HTTPServerResponse {
        let body =
            "grant_type=urn:ietf:params:oauth:grant-type:device_code&client_id=\(TenantIdentity.demoApp)&device_code=\(deviceCode)"
        return await tenant.answer(HTTPServerRequest("POST", "\(Bench.authority)/token", body: Array(body.utf8)))
    }

    @Test("the whole approval works with the keyboard alone, and with the account that was chosen")
    func keyboard() async throws {
        let (tenant, base, code, deviceCode) = try await waiting()
        let isDone = try await Chromium.run {
            guard let browser = Chromium.start(at: "\(base)/devicelogin") else { return false }
            // The cursor is where the code belongs, so that typing is all there is to do.
            try browser.wait(until: "document.activeElement && document.activeElement.id === 'user_code'")
            try browser.type(code.lowercased())
            try browser.pressEnter()
            try browser.wait(until: "document.activeElement && document.activeElement.name === 'account'")
            #expect(try browser.value("document.body.innerText").string?.contains("Microsoft Master (sandbox)") == true)
            try browser.pressDown()
            try browser.pressDown()
            #expect(
                try browser.value("document.activeElement.closest('label').innerText").string?.contains("Ben Baker")
                    == true)
            try browser.pressTab()
            #expect(try browser.value("document.activeElement.id") == "other")
            try browser.pressTab()
            #expect(try browser.value("document.activeElement.id") == "approve")
            try browser.pressEnter()
            try browser.wait(until: "document.querySelector('[role=status]') !== null")
            #expect(
                try browser.value("document.querySelector('h1').innerText").string?.hasPrefix("You have signed in")
                    == true)
            return true
        }
        guard isDone else { return await tenant.stop() }
        let tokens = await poll(tenant, deviceCode)
        #expect(claims(of: tokens.json["id_token"])["preferred_username"]?.string == TenantIdentity.wrongAccount)
        await tenant.stop()
    }

    @Test("declining with the keyboard works, from a link that carries the code")
    func decline() async throws {
        let (tenant, base, code, deviceCode) = try await waiting()
        let isDone = try await Chromium.run {
            guard let browser = Chromium.start(at: "\(base)/devicelogin?user_code=\(code)") else { return false }
            try browser.wait(until: "document.activeElement && document.activeElement.id === 'user_code'")
            #expect(try browser.value("document.getElementById('user_code').value").string == code)
            try browser.pressEnter()
            try browser.wait(until: "document.activeElement && document.activeElement.name === 'account'")
            for _ in 0..<3 { try browser.pressTab() }
            #expect(try browser.value("document.activeElement.id") == "decline")
            try browser.pressEnter()
            try browser.wait(until: "document.querySelector('[role=status]') !== null")
            return true
        }
        guard isDone else { return await tenant.stop() }
        #expect(await poll(tenant, deviceCode).errorCode == "authorization_declined")
        await tenant.stop()
    }

    @Test("a page that a screen reader can tell, with its style, nothing from elsewhere, on any width")
    func accessible() async throws {
        let (tenant, base, code, _) = try await waiting()
        _ = try await Chromium.run {
            guard let browser = Chromium.start(at: "\(base)/devicelogin") else { return false }
            try browser.wait(until: "document.readyState === 'complete' && document.querySelector('h1') !== null")
            #expect(try browser.value("document.documentElement.lang") == "en")
            #expect(try browser.value("document.title.length > 0") == true)
            // The style is let through by the policy.
            #expect(try browser.value("getComputedStyle(document.querySelector('main')).maxWidth") == "480px")
            let unlabelled =
                "[...document.querySelectorAll('input:not([type=hidden])')].filter(i => i.labels.length === 0).length"
            #expect(try browser.value(unlabelled) == 0)
            try browser.type("NOSUCHONE")
            try browser.pressEnter()
            try browser.wait(until: "document.querySelector('[role=alert]') !== null")
            #expect(try browser.value("document.querySelector('[role=alert]').innerText").string?.isEmpty == false)
            _ = try browser.value("document.getElementById('user_code').select()")
            try browser.type(code)
            try browser.pressEnter()
            try browser.wait(until: "document.querySelector('fieldset legend') !== null")
            #expect(try browser.value(unlabelled) == 0)
            #expect(try browser.value("document.querySelectorAll('h1').length") == 1)
            try browser.call(
                "Emulation.setDeviceMetricsOverride",
                ["width": 320, "height": 600, "deviceScaleFactor": 1, "mobile": false])
            #expect(try browser.value("document.documentElement.scrollWidth <= 320") == true)
            #expect(try browser.value("performance.getEntriesByType('resource').length") == 0)
            return true
        }
        await tenant.stop()
    }
}
