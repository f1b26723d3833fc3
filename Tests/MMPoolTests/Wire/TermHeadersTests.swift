import MMCore
import MMHTTP
import Testing

@testable import MMOperations
@testable import MMPool

@Suite("The context of a call in headers", .timeLimit(.minutes(5)))
struct TermHeadersTests {
    /// Terms that all differ from their defaults.
    private static var unusual: CallTerms {
        var caller = Caller(surface: .mcp, name: "claude-code 2.1 – ü%", server: "mm")
        caller.signedIn = Caller.Principal(id: "tenant/object", name: "Ada Łovelace")
        var terms = CallTerms(
            caller: caller, timeLimit: .milliseconds(1500), waitsForSignIn: true, backgroundAfter: .zero,
            sessionID: "a session")
        terms.needsHandle = true
        terms.jobOwner = "gateway:7"
        terms.approvalWait = .seconds(240)
        terms.model = "model-4"
        terms.directory = "/home/ada/reports ü"
        terms.screenColumns = 132
        terms.readsOnly = true
        terms.trace = TraceContext(
            parent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", state: "vendor=opaque")
        terms.callID = "call 1"
        terms.isForwarded = true
        return terms
    }

    @Test("each term arrives unchanged, so that none is forgotten")
    func roundTrip() throws {
        let plain = CallTerms(caller: Caller(surface: .rest, name: "unnamed", server: nil))
        for (unusual, usual) in zip(Mirror(reflecting: Self.unusual).children, Mirror(reflecting: plain).children) {
            let label = unusual.label ?? ""
            #expect(String(describing: unusual.value) != String(describing: usual.value), "give \(label) a value here")
        }
        var headers = HTTPHeaders()
        TermHeaders.write(CallContext(terms: Self.unusual), to: &headers)
        let sent = try TermHeaders.read(headers, unnamed: "unnamed")
        #expect(sent.terms == Self.unusual)
        #expect(sent.person == .nobody && !sent.hasInput && sent.assertion == nil)
    }

    @Test("without a header each term has its default")
    func absent() throws {
        let sent = try TermHeaders.read([:], unnamed: "curl/8")
        #expect(sent.terms == CallTerms(caller: Caller(surface: .rest, name: "curl/8", server: nil)))
    }

    @Test("the socket of the caller's agent is sent if it is a path")
    func agent() throws {
        var context = CallContext(terms: Self.unusual)
        context.agentSocket = "/tmp/ssh-ü/agent.1"
        var headers = HTTPHeaders()
        TermHeaders.write(context, to: &headers)
        #expect(try TermHeaders.read(headers, unnamed: "-").agentSocket == "/tmp/ssh-ü/agent.1")
        #expect(throws: MMError.self) { try TermHeaders.read(["MM-Agent": "agent"], unnamed: "-") }
    }

    @Test(
        "a time limit has any number of decimal places, as programs write the time that is left",
        arguments: zip(
            ["1.5", "1.5028717629903", "0.00000000001", "000000000120", "7.000000000000"],
            [.milliseconds(1500), .nanoseconds(1_502_871_763), .nanoseconds(1), .seconds(120), .seconds(7)]
                as [Duration]))
    func decimals(text: String, limit: Duration) throws {
        #expect(try TermHeaders.read(["MM-Time-Limit": text], unnamed: "-").terms.timeLimit == limit)
    }

    @Test(
        "a time limit that is no positive number of seconds is refused",
        arguments: ["0", "0.0", "-1", "1.", ".5", "1e3", "1.2.3", "1000000001", "soon"])
    func refused(text: String) {
        let error = #expect(throws: MMError.self) { try TermHeaders.read(["MM-Time-Limit": text], unnamed: "-") }
        #expect(error?.message == "The header MM-Time-Limit can't be `\(text)`.")
    }

    @Test("a token is sent only where that is allowed")
    func token() throws {
        var context = CallContext(terms: Self.unusual)
        context.assertion = Secret("token")
        for carries in [true, false] {
            var headers = HTTPHeaders()
            TermHeaders.write(context, to: &headers, carriesToken: carries)
            #expect(try TermHeaders.read(headers, unnamed: "-").assertion?.reveal() == (carries ? "token" : nil))
        }
    }
}
