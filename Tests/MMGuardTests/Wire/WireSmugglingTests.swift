import MMCore
import MMGuard
import Testing

@Suite("Requests that are written to look like others", .timeLimit(.minutes(5)))
struct WireSmugglingTests {
    static let invoke = WireRequestTests.invoke

    @Test(
        "another spelling of a change is never a read and never goes unasked",
        arguments: [
            (.graph, "DELETE", "/v1.0//users/ann"), (.graph, "DELETE", "/v1.0/./users/ann"),
            (.graph, "DELETE", "/v1.0/x/../users/ann"), (.graph, "POST", "/v1.0/me/%73endMail"),
            (.graph, "POST", "/v1.0/me/sendMail;x=1"), (.graph, "POST", "/v1.0/me/sendMail."),
            (.graph, "POST", "/v1.0/me/SENDMAIL/"), (.graph, "POST", "/V1.0/Me/SendMail"),
            (.graph, "POST", "/v1.0/me%2FsendMail"), (.graph, "POST", "/v1.0/me/%2573endMail"),
            (.graph, "POST", "//v1.0/me/sendMail"), (.graph, "POST", "/v1.0/me/%2e%2e/me/sendMail"),
            (.graph, "delete", "/v1.0/users/ann"), (.graph, "PURGE", "/v1.0/users/ann"),
            (.graph, "POST", "/v1.0/search;/query"), (.graph, "POST", "/v1.0/./search/query"),
            (.arm, "POST", "/subscriptions/s/providers/Microsoft.Storage/storageAccounts/a/LISTKEYS"),
            (.arm, "POST", "/subscriptions/s/providers/Microsoft.Storage/storageAccounts/a/listKeys;"),
            (.arm, "GET", "/subscriptions/s/providers/Microsoft.Storage/storageAccounts/a//listKeys"),
            (.keyVault, "GET", "/secrets/db;x"), (.keyVault, "GET", "//secrets/db"), (.keyVault, "GET", "/SECRETS/db/"),
            (.keyVault, "GET", "/secrets%2Fdb"), (.sharePoint, "POST", "/_API/web/lists/getbytitle('x')/%72ecycle"),
            (.sharePoint, "POST", "/_vti_bin%2Fclient.svc/web/recycle"),
            (.sharePoint, "POST", "/_api/contextinfo/../web/recycle"),
            (.sharePoint, "POST", "/_api//contextinfo"),
            (.signIn, "POST", "/common/oauth2/v2.0/token/../../x"),
        ] as [(RequestService?, String, String)])
    func spellings(service: RequestService?, method: String, target: String) {
        let intent = Wire.intent(service, method, target)
        let decision = intent.verdict(.standard).decision
        #expect(decision == .ask)
        #expect(!intent.isRead)
    }

    @Test(
        "a cmdlet that can't be read is no read",
        arguments: [
            Wire.cmdlet("Get-Mailbox").replacing("\"CmdletName\"", with: "\"cmdletname\""),
            #"{"CmdletInput":{"CmdletName":"Get-Mailbox","CmdletName":"Remove-Mailbox","Parameters":{}}}"#,
            #"{"CmdletInput":{"CmdletName":"Get-Mailbox","cmdletname":"Remove-Mailbox","Parameters":{}}}"#,
            #"{"CmdletInput":{"CmdletName":"Get-Mailbox","Parameters":{}},"cmdletInput":{"CmdletName":"Remove-Mailbox"}}"#,
            #"{"CmdletInput":{"CmdletName":"Get-Mailbox","Parameters":"x"}}"#,
            #"{"CmdletInput":{"CmdletName":"Get-Nothing","Parameters":{}}}"#,
            #"{"CmdletInput":{"CmdletName":["Get-Mailbox"],"Parameters":{}}}"#,
            #"{"CmdletInput":{"CmdletName":"Get-Mailbox;Remove-Mailbox","Parameters":{}}}"#,
            "[\(Wire.cmdlet("Get-Mailbox"))]", "", "{", Wire.cmdlet("Get-Mailbox") + "{}",
        ])
    func cmdlets(body: String) {
        let intent = Wire.intent(.exchange, "POST", Self.invoke, body)
        let decision = intent.verdict(.standard).decision
        #expect(decision == .ask)
        #expect(!intent.isRead)
    }

    @Test("a read is one in UTF-8 with a mark in front, and with the header that its module sends")
    func honest() {
        let body = Wire.cmdlet("Get-Mailbox")
        let marked = WireRequest(
            service: .exchange, origin: Wire.origin(.exchange), method: "POST", target: Self.invoke,
            headers: [.init("Content-Type", "application/json; charset=utf-8"), .init("X-CmdletName", "get-mailbox")],
            body: .whole([0xef, 0xbb, 0xbf] + Array(body.utf8)))
        #expect(GuardEngine.standard.intent(of: marked).isRead)
    }

    @Test(
        "a body that is encoded, in another charset, cut or contradicted is no read",
        arguments: [
            [("Content-Type", "application/json; charset=utf-16")],
            [("Content-Type", "application/json;charset=\"utf-7\"")],
            [("Content-Type", "application/json"), ("Content-Encoding", "gzip")],
            [("Content-Type", "application/json"), ("Content-Type", "text/plain; charset=utf-16")],
            [("Content-Type", "application/json"), ("X-CmdletName", "Remove-Mailbox")],
        ])
    func bodies(headers: [(String, String)]) {
        let intent = Wire.intent(.exchange, "POST", Self.invoke, Wire.cmdlet("Get-Mailbox"), headers: headers)
        #expect(!intent.isRead)
        let decision = intent.verdict(.standard).decision
        #expect(decision == .ask)
    }

    @Test("a body in UTF-16, and one of which only the beginning is known, are not taken for what they seem")
    func cut() {
        let wide = Wire.cmdlet("Get-Mailbox").utf16.flatMap { [UInt8($0 & 0xff), UInt8($0 >> 8)] }
        let bodies: [(String, WireRequest.Body)] = [
            (Self.invoke, .whole(wide)), (Self.invoke, .whole([0xff, 0xfe] + wide)),
            (Self.invoke, .beginning(Array(Wire.cmdlet("Get-Mailbox").utf8))),
        ]
        for (target, body) in bodies {
            let request = WireRequest(
                service: .exchange, origin: Wire.origin(.exchange), method: "POST", target: target, body: body)
            #expect(!GuardEngine.standard.intent(of: request).isRead)
        }
        // A harmless property can be shown while another one stands behind what is looked at.
        let patch = WireRequest(
            service: .graph, origin: Wire.origin(.graph), method: "PATCH", target: "/v1.0/groups/g/calendar",
            headers: [.init("Content-Type", "application/json")], body: .beginning(Array(#"{"name":"x""#.utf8)))
        let verdict = GuardEngine.standard.intent(of: patch).verdict(.standard)
        #expect(verdict.decision == .ask)
        #expect(verdict.rule == "unreadable-body")
    }

    @Test(
        "an object that can't be read is found behind any number of blanks, whatever type it says it has",
        arguments: [0, 63, 64, 1_000], [" ", "\n", "\u{0}"])
    func blanks(count: Int, blank: String) {
        let body = String(repeating: blank, count: count) + #"{"name":"x","name":"y"}"#
        let intent = Wire.intent(
            .graph, "PATCH", "/v1.0/groups/g/calendar", body, headers: [("Content-Type", "text/plain")])
        let verdict = intent.verdict(.standard)
        #expect(verdict.decision == .ask)
        #expect(verdict.rule == "unreadable-body")
    }

    @Test("the content of a file may be anything, and large")
    func files() {
        for body in [WireRequest.Body.whole([0, 1, 2, 3]), .beginning([0xff, 0xd8, 0xff])] {
            let put = WireRequest(
                service: .graph, origin: Wire.origin(.graph), method: "PUT",
                target: "/v1.0/me/drive/root:/a.jpg:/content", headers: [.init("Content-Type", "image/jpeg")],
                body: body)
            let verdict = GuardEngine.standard.intent(of: put).verdict(.standard)
            #expect(verdict.decision == .allow, "\(verdict.rule)")
            #expect(verdict.guardClass == .write)
        }
    }
}
