package import MMCore
package import MMHTTP
package import MMOperations

/// The context of a call as header fields of its request, between a front-end and a pool.
package enum OperationHeaders {
    static let surface = "MM-Surface"
    static let client = "MM-Client"
    static let server = "MM-Server"
    static let timeLimit = "MM-Time-Limit"
    static let patience = "MM-Patience"
    static let session = "MM-Session"
    static let principal = "MM-Principal"
    static let signedIn = "MM-Signed-In"
    static let signedInName = "MM-Signed-In-Name"
    static let assertion = "MM-Assertion"
    static let waitsForSignIn = "MM-Waits-For-Sign-In"
    static let person = "MM-Person"
    static let directory = "MM-Directory"
    static let columns = "MM-Columns"
    static let readsOnly = "MM-Reads-Only"
    static let needsHandle = "MM-Needs-Handle"
    static let input = "MM-Input"
    // The two of W3C Trace Context.
    static let traceParent = "traceparent"
    static let traceState = "tracestate"
    static let approvalWait = "MM-Approval-Wait"
    static let model = "MM-Model"
    /// As the IETF's draft has it (draft-ietf-httpapi-idempotency-key-header).
    static let callID = "Idempotency-Key"
    static let forwarded = "MM-Forwarded"

    /// The longest time limit of a call, in seconds: about 30 years.
    private static let longest: Int64 = 1_000_000_000
    /// The longest name in a header, in bytes before escaping.
    private static let longestName = 512
    /// The longest path in a header, in bytes before escaping: Linux supports no longer ones.
    private static let longestPath = 4096

    /// The widest screen, in columns: more than any terminal has.
    private static let widestScreen = 65_535

    /// What a request's headers claim about its call.
    package struct Claims: Sendable {
        /// The face that the call came through; absent for a plain program.
        package var surface: Caller.Surface?
        /// The client's own name.
        package var client: String?
        /// The server name that the `mcps` lists of connections are compared with.
        package var server: String?
        /// How long the call may take.
        package var timeLimit: Duration?
        /// How long the caller waits before it accepts a running job's handle as the answer.
        package var patience: Duration?
        /// The client's session.
        package var session: String?
        /// The owner of the job, for clients that may return as another process.
        package var principal: String?
        /// The person or app that signed in to the front-end.
        package var signedIn: Caller.Principal?
        /// The access token that they came with.
        package var assertion: Secret?
        /// Whether to wait for a sign-in that is needed.
        package var waitsForSignIn = false
        /// Whether a person can be asked on the client's side.
        package var hasPerson = false
        /// Whether that person sits at a terminal.
        package var isAtTerminal = false
        /// Whether the client supplies standard input on demand.
        package var hasInput = false
        /// Whether the caller takes nothing but a job's handle.
        package var needsHandle = false
        /// Whether the caller may only read.
        package var readsOnly = false
        /// How many columns the caller's screen has.
        package var columns: Int?
        /// The trace that the caller's work belongs to.
        package var trace: TraceContext?
        /// How long to wait for a person's approval.
        package var approvalWait: Duration?
        /// The model behind the client.
        package var model: String?
        /// The call's own id, by which one that is sent again is known.
        package var callID: String?
        /// Whether another node has sent it on.
        package var isForwarded = false
        /// The caller's working directory, an absolute path.
        package var directory: String?
    }

    /// Writes a context into header fields.
    /// - Parameter carriesToken: whether the access token of the caller goes along: only to a pool of the same user.
    package static func write(_ context: CallContext, to headers: inout HTTPHeaders, carriesToken: Bool = false) {
        headers.set(surface, context.caller.surface.rawValue)
        headers.set(client, escaped(context.caller.name))
        if let name = context.caller.server { headers.set(server, escaped(name)) }
        headers.set(timeLimit, seconds(context.timeLimit))
        if let wait = context.backgroundAfter { headers.set(patience, seconds(wait, least: .zero)) }
        if let id = context.sessionID { headers.set(session, escaped(id)) }
        if let name = context.principal { headers.set(principal, escaped(name)) }
        if let who = context.caller.principal {
            headers.set(signedIn, escaped(who.id))
            if let name = who.name { headers.set(signedInName, escaped(name)) }
        }
        if carriesToken, let token = context.assertion { headers.set(assertion, token.reveal()) }
        if let wait = context.approvalWait { headers.set(approvalWait, seconds(wait)) }
        if let name = context.model { headers.set(model, escaped(name)) }
        if let id = context.callID { headers.set(callID, escaped(id)) }
        if context.isForwarded { headers.set(forwarded, "1") }
        if context.waitsForSignIn { headers.set(waitsForSignIn, "1") }
        if let who = context.person { headers.set(person, who.isAtTerminal ? "terminal" : "1") }
        if context.needsHandle { headers.set(needsHandle, "1") }
        if context.readsOnly { headers.set(readsOnly, "1") }
        if context.input != nil { headers.set(input, "1") }
        if let count = context.screenColumns { headers.set(columns, "\(count)") }
        if let trace = context.trace {
            headers.set(traceParent, trace.parent)
            if let state = trace.state { headers.set(traceState, state) }
        }
        // A truncated path would be a different one.
        if let path = context.directory, path.utf8.count <= longestPath {
            headers.set(directory, escaped(path, longestPath))
        }
    }

    /// Reads the claims of a request's headers.
    /// - Throws: `invalidInput` that names the header.
    package static func read(_ headers: HTTPHeaders) throws(MMError) -> Claims {
        var claims = Claims()
        if let word = headers[surface] {
            guard let known = Caller.Surface(rawValue: word) else {
                throw wrong(surface, word, "Give terminal, mcp, rest or library, or leave it out.")
            }
            claims.surface = known
        }
        claims.client = try name(client, headers)
        claims.server = try name(server, headers)
        claims.timeLimit = try duration(timeLimit, headers)
        claims.patience = try duration(patience, headers, least: .zero)
        claims.session = try name(session, headers)
        claims.principal = try name(principal, headers)
        if let id = try name(signedIn, headers) {
            claims.signedIn = Caller.Principal(id: id, name: try name(signedInName, headers))
        }
        claims.assertion = headers[assertion].map { Secret($0) }
        claims.approvalWait = try duration(approvalWait, headers)
        claims.model = try name(model, headers)
        claims.callID = try name(callID, headers)
        claims.isForwarded = try flag(forwarded, headers)
        claims.waitsForSignIn = try flag(waitsForSignIn, headers)
        claims.isAtTerminal = headers[person] == "terminal"
        if claims.isAtTerminal { claims.hasPerson = true } else { claims.hasPerson = try flag(person, headers) }
        claims.needsHandle = try flag(needsHandle, headers)
        claims.readsOnly = try flag(readsOnly, headers)
        claims.hasInput = try flag(input, headers)
        if let text = headers[columns] {
            guard let count = Int(text), (1...widestScreen).contains(count) else {
                throw wrong(columns, text, "Give the columns of a screen, from 1 to \(widestScreen).")
            }
            claims.columns = count
        }
        claims.trace = TraceContext(parent: headers[traceParent], state: headers[traceState])
        claims.directory = try name(directory, headers, longest: longestPath)
        if let path = claims.directory, !path.hasPrefix("/") || path.utf8.contains(0) {
            throw wrong(directory, path, "Give an absolute path.")
        }
        return claims
    }

    private static func flag(_ header: String, _ headers: HTTPHeaders) throws(MMError) -> Bool {
        switch headers[header] {
        case nil, "0": return false
        case "1": return true
        case let other?: throw wrong(header, other, "Give 1, or leave it out.")
        }
    }

    private static func name(_ header: String, _ headers: HTTPHeaders, longest: Int = longestName) throws(MMError)
        -> String?
    {
        guard let value = headers[header] else { return nil }
        guard let text = PercentCoding.decode(value.utf8), !text.isEmpty, text.utf8.count <= longest else {
            throw wrong(header, value, "Give a name of at most \(longest) bytes, percent-encoded as UTF-8.")
        }
        return text
    }

    private static func duration(_ header: String, _ headers: HTTPHeaders, least: Duration = .nanoseconds(1))
        throws(MMError) -> Duration?
    {
        guard let value = headers[header] else { return nil }
        guard let duration = duration(of: value), duration >= least else {
            throw wrong(header, value, "Give seconds, such as 300 or 0.5, and at most \(longest).")
        }
        return duration
    }

    /// Reads a number of seconds with at most nine decimal places.
    private static func duration(of text: String) -> Duration? {
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let isNumber = parts.allSatisfy { part in
            !part.isEmpty && part.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 }
        }
        guard isNumber, let whole = Int64(parts[0]), whole <= longest else { return nil }
        var nanoseconds: Int64 = 0
        if parts.count == 2 {
            guard parts[1].utf8.count <= 9, let fraction = Int64(parts[1]) else { return nil }
            nanoseconds = (parts[1].utf8.count..<9).reduce(fraction) { scaled, _ in scaled * 10 }
        }
        return .seconds(whole) + .nanoseconds(nanoseconds)
    }

    /// Writes a duration as seconds, clamped to the bounds.
    private static func seconds(_ duration: Duration, least: Duration = .nanoseconds(1)) -> String {
        let bounded = min(max(duration, least), .seconds(longest))
        let (whole, attoseconds) = bounded.components
        guard attoseconds > 0 else { return "\(whole)" }
        let fraction = String(attoseconds / 1_000_000_000)
        return "\(whole)." + String(repeating: "0", count: 9 - fraction.utf8.count) + fraction
    }

    private static func escaped(_ name: String, _ longest: Int = longestName) -> String {
        var short = name
        while short.utf8.count > longest { short.removeLast() }
        return PercentCoding.encode(short.isEmpty ? "-" : short) { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "%") }
    }

    private static func wrong(_ header: String, _ value: String, _ hint: String) -> MMError {
        MMError(.invalidInput, "The header \(header) can't be `\(value.prefix(60))`.", hint: hint)
    }
}
