import MMCore
import Testing

@Suite("MMError", .timeLimit(.minutes(5)))
struct MMErrorTests {
    @Test(
        "each code has its exit code, JSON-RPC code and HTTP status",
        arguments: [
            (MMErrorCode.invalidInput, 2, -32602, 400), (.notFound, 1, -32602, 404), (.signInNeeded, 3, -32603, 401),
            (.forbidden, 1, -32603, 403), (.denied, 4, -32603, 403), (.confirmationNeeded, 5, -32603, 428),
            (.throttled, 1, -32603, 429), (.conflict, 1, -32603, 409), (.deadlineExceeded, 6, -32603, 504),
            (.cancelled, 130, -32603, 499), (.sessionLost, 1, -32603, 502), (.remoteFailed, 1, -32603, 502),
            (.unavailable, 1, -32603, 503), (.limitExceeded, 1, -32603, 413), (.unsupported, 1, -32603, 501),
            (.internalError, 1, -32603, 500), (MMErrorCode("something_new"), 1, -32603, 500),
        ] as [(MMErrorCode, Int32, Int, Int)])
    func mappings(code: MMErrorCode, exit: Int32, rpc: Int, status: Int) {
        let error = MMError(code, "It failed.")
        #expect(error.exitCode == exit)
        #expect(error.jsonRPCCode == rpc)
        #expect(error.httpStatus == status)
        #expect(error.json["code"] == .string(code.word))
    }

    @Test("a limit that is free again after a while asks to come back, instead of calling the request too large")
    func busy() {
        #expect(MMError(.limitExceeded, "There are 20 sessions.", retry: .after(.seconds(10))).httpStatus == 429)
        #expect(MMError(.limitExceeded, "The disk is full.", retry: .now).httpStatus == 413)
    }

    @Test("a pool that can't be reached has its own exit code")
    func pool() {
        #expect(MMError(.unavailable, "No pool.", details: ["pool": "/run/x"]).exitCode == 7)
    }

    @Test("an answer that can't be shown is no refusal of its call", arguments: [MMErrorCode.invalidInput, .denied])
    func carriedOut(code: MMErrorCode) {
        let error = MMError(code, "No such column.").ofCarriedOutCall
        #expect(error.exitCode == 1 && error.code == code && error.message.hasSuffix(": No such column."))
    }

    @Test("JSON has only the members that are set")
    func json() {
        #expect(MMError(.notFound, "Gone.").json.keys == ["code", "message"])
        let full = MMError(
            .throttled, "Slow.", hint: "Wait.", retry: .after(.seconds(30)), details: ["a": 1], cause: "x")
        #expect(full.json["retryAfterSeconds"] == 30)
        #expect(full.json["hint"] == "Wait.")
        #expect(full.json["details"]?["a"] == 1)
        #expect(full.json["cause"] == nil)
        #expect(full.description == "Slow.\nWait.")
    }
}
