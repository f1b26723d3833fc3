import Glibc
import HeadlessBrowser
import MMCore
import MMHTTP
import MMOperations
import Testing

@testable import MMPool

@Suite(
    "The page's layout", .timeLimit(.minutes(10)),
    .enabled(if: Chromium.isInstalled, "chromium is not installed (apt-get install chromium)"))
struct DashboardLayoutTests {
    /// Lists the shown texts whose contrast with their ground is below 4.5 to 1 (WCAG 2.2, 1.4.3).
    private static let faintTexts = #"""
        (() => {
          const numbers = (color) => color.match(/[\d.]+/g).map(Number);
          const luminance = (color) => {
            const [red, green, blue] = numbers(color).map((part) => part / 255)
              .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
            return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
          };
          const ground = (one) => {
            for (; one; one = one.parentElement) {
              const color = getComputedStyle(one).backgroundColor;
              if (numbers(color)[3] !== 0) return color;
            }
            return "rgb(255, 255, 255)";
          };
          const faint = [...document.querySelectorAll("body *:not(svg *)")]
            .filter((one) => one.checkVisibility() && !one.disabled
              && [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
            .map((one) => {
              const [high, low] = [luminance(getComputedStyle(one).color), luminance(ground(one))].sort((a, b) => b - a);
              return [one.tagName + "." + one.className, (high + 0.05) / (low + 0.05)];
            })
            .filter(([, contrast]) => contrast < 4.5)
            .map(([name, contrast]) => `${name} ${contrast.toFixed(2)}`);
          return [...new Set(faint)].join(", ");
        })()
        """#

    /// Lists the headings that skip a level, which screen readers take for a missing part of the page.
    private static let skippedLevels = """
        [...document.querySelectorAll('h1, h2, h3, h4, h5, h6')].filter((one) => one.checkVisibility())
          .map((one) => [Number(one.tagName[1]), one.textContent])
          .filter(([level], index, all) => level > (index ? all[index - 1][0] : 0) + 1).join()
        """

    @Test("fits phone, tablet and desktop, light and dark, with pending items above the fold")
    func widths() async throws {
        let stage = try await ApprovalStage()
        for path in ["/me", "/users?$top=5", "/groups", "/users/nobody", "/nowhere"] {
            _ = try await stage.send(
                "POST", "/v1/operations/graph_request", ["connection": "Contoso", "endpoint": .string(path)],
                headers: ["MM-Client": "claude-code%202.1"])
        }
        for _ in 0..<3 {
            _ = try await stage.send(
                "POST", "/v1/operations/guard_check",
                ["connection": "Contoso", "module": "exo", "command": "Get-Mailbox ann"])
        }
        #expect(try await stage.delete("adele@contoso-sandbox.example").status == 428)
        let mail: JSONObject = [
            "message": [
                "subject": "Quarterly numbers",
                "body": ["contentType": "Text", "content": "Please find them attached."],
                "toRecipients": [["emailAddress": ["address": "board@fabrikam.example"]]],
            ]
        ]
        _ = try await stage.send(
            "POST", "/v1/operations/graph_request",
            ["connection": "Careful", "method": "POST", "endpoint": "/me/sendMail", "body": .object(mail)])
        try await Chromium.run {
            guard let browser = Chromium.start(at: stage.page) else { return }
            _ = try browser.addAuthenticator()
            for (width, height) in [(375, 812), (768, 1024), (1280, 800)] {
                try browser.call(
                    "Emulation.setDeviceMetricsOverride",
                    [
                        "width": .int(Int64(width)), "height": .int(Int64(height)), "deviceScaleFactor": 1,
                        "mobile": false,
                    ])
                for scheme in ["light", "dark"] {
                    try browser.call(
                        "Emulation.setEmulatedMedia",
                        ["features": [["name": "prefers-color-scheme", "value": .string(scheme)]]])
                    try browser.wait(until: "!!document.querySelector('.held.open .part.whole')")
                    try browser.wait(until: "document.querySelectorAll('#recent-rows tr').length > 5")
                    try browser.keepPicture("dashboard-\(width)-\(scheme)")
                    let place = "\(width) \(scheme)"
                    #expect(try browser.value(Self.faintTexts) == "", "\(place)")
                    #expect(try browser.value(Self.skippedLevels) == "", "\(place)")
                    #expect(
                        try browser.value("document.documentElement.scrollWidth <= window.innerWidth") == true,
                        "\(place)")
                    #expect(
                        try browser.value(
                            "document.querySelector('.held .head').getBoundingClientRect().bottom <= window.innerHeight"
                        )
                            == true, "\(place)")
                    let low = """
                        JSON.stringify([...document.querySelectorAll('button, input, select, a.button')]
                          .map((one) => [one.id || one.className || one.textContent, one.getBoundingClientRect()])
                          .filter(([, box]) => box.width > 0 && box.left >= 0 && box.height < \(width < 700 ? 44 : 31))
                          .map(([name, box]) => `${name} ${box.height}`))
                        """
                    #expect(try browser.value(low) == "[]", "\(place)")
                    #expect(
                        try browser.value(
                            "[...document.querySelectorAll('svg rect')].every((one) => one.getAttribute('height') >= 0)"
                        )
                            == true, "\(place)")
                    // Also the whole page, for people to look at.
                    _ = try browser.value("window.scrollTo(0, document.body.scrollHeight)")
                    try browser.keepPicture("dashboard-\(width)-\(scheme)-end")
                    _ = try browser.value("window.scrollTo(0, 0)")
                }
            }
            #expect(try browser.value("getComputedStyle(document.body).backgroundColor") == "rgb(14, 17, 22)")
        }
        await stage.stop()
    }

    @Test("the page is live again once the pool answers, also if a proxy has answered in its place")
    func gateway() async throws {
        let stage = try await ApprovalStage()
        let isAway = Mutex(true)
        let proxy = try HTTPListener.start(.tcp(host: "127.0.0.1", port: 0)) { request in
            let isAsked = request.path == "/v1/events"
            let isFirst = isAway.withLock { away in
                defer { if isAsked { away = false } }
                return away && isAsked
            }
            if isFirst { return .text("<html><body>Bad Gateway</body></html>", status: 502, type: "text/html") }
            return await stage.router.respond(to: request, from: .sameUser)
        }
        try await Chromium.run {
            guard let browser = Chromium.start(at: "http://localhost:\(proxy.port)/") else { return }
            try browser.wait(until: "document.getElementById('summary').textContent.startsWith('version')")
            #expect(try browser.value("document.body.classList.contains('offline')") == false)
            #expect(!isAway.withLock { $0 })
        }
        await proxy.stop(graceful: .zero)
        await stage.stop()
    }

    @Test("the page says that the pool doesn't answer when it hears nothing, and is live again once it does")
    func hanging() async throws {
        let stage = try await ApprovalStage()
        let asked = Mutex(0)
        // The first stream stays open without a word, as that of a pool that hangs.
        let proxy = try HTTPListener.start(.tcp(host: "127.0.0.1", port: 0)) { request in
            let isFirst =
                request.path == "/v1/events"
                && asked.withLock { count in
                    count += 1
                    return count == 1
                }
            if isFirst {
                return .events { (_) async throws(HTTPError) in try? await Task.sleep(for: .seconds(600)) }
            }
            return await stage.router.respond(to: request, from: .sameUser)
        }
        try await Chromium.run {
            guard let browser = Chromium.start(at: "http://localhost:\(proxy.port)/") else { return }
            try browser.wait(until: "document.getElementById('summary').textContent.startsWith('version')")
            #expect(try browser.value("document.body.classList.contains('offline')") == false)
            #expect(asked.withLock { $0 } >= 2)
        }
        await proxy.stop(graceful: .zero)
        await stage.stop()
    }

    @Test("finished calls are filtered by words and by outcome, and keys lead to pending items")
    func filter() async throws {
        let stage = try await ApprovalStage()
        for path in ["/me", "/groups"] {
            _ = try await stage.send(
                "POST", "/v1/operations/graph_request", ["connection": "Contoso", "endpoint": .string(path)])
        }
        #expect(try await stage.delete("a@contoso-sandbox.example").status == 428)
        try await Chromium.run {
            guard let browser = Chromium.start(at: stage.page) else { return }
            try browser.wait(until: "document.querySelectorAll('#recent-rows tr').length === 3")
            let what =
                "[...document.querySelectorAll('#recent-rows tr')].map((row) => row.children[1].textContent).join()"
            let ran = try browser.value(what).string ?? ""
            #expect(ran.contains("GET /v1.0/groups"), "\(ran)")
            try browser.wait(until: "!!document.querySelector('.held.open .bar:not([hidden])')")
            try browser.press("j", code: 74, text: "j")
            #expect(try browser.value("document.activeElement.className") == "head")
            try browser.press("d", code: 68, text: "d")
            #expect(try browser.value("document.activeElement.className") == "why")
            #expect(try browser.value("document.activeElement.value") == "")
            _ = try browser.value("document.activeElement.blur()")
            try browser.press("/", code: 191, text: "/")
            #expect(try browser.value("document.activeElement.id") == "filter")
            try browser.type("GROUPS graph_request")
            try browser.wait(until: "document.querySelectorAll('#recent-rows tr').length === 1")
            #expect(try browser.value("document.getElementById('filtered').textContent") == "1 of 3")
            try browser.type(" nowhere")
            try browser.wait(until: "document.querySelectorAll('#recent-rows tr').length === 0")
            #expect(try browser.value("document.querySelectorAll('#calls-chart rect').length > 0") == true)
        }
        await stage.stop()
    }
}
