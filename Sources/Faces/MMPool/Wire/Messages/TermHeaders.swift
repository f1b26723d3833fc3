package import MMCore
package import MMHTTP
package import MMOperations

/// The terms of a call as header fields of its request, between a front-end or another program and a pool. `fields` has
/// one entry for each, which both writes and reads it.
package enum TermHeaders {
    /// What a request says about its call.
    package struct Sent: Sendable {
        /// The circumstances as the sender claims them.
        package var terms: CallTerms
        /// The access token that the caller came with.
        package var assertion: Secret?
        /// The person whom the sender can ask.
        package var person = Presence.nobody
        /// Whether the sender supplies standard input on demand.
        package var hasInput = false
        /// Whether the sender says when an answer has arrived that is given only once.
        package var confirmsDelivery = false
        /// The socket of the caller's SSH agent.
        package var agentSocket: String?
    }

    /// Whether a person can be asked on the sender's side.
    package enum Presence: String, Sendable {
        /// Nobody can be asked.
        case nobody = "0"
        /// A person behind a client.
        case behindClient = "1"
        /// A person who sits at a terminal.
        case atTerminal = "terminal"
    }

    private static let assertion = "MM-Assertion"
    private static let person = "MM-Person"
    private static let input = "MM-Input"
    private static let agent = "MM-Agent"
    private static let delivery = "MM-Confirms-Delivery"

    private static let fields: [TermHeader] = [
        TermHeader(
            "MM-Surface", write: { $0.caller.surface.rawValue },
            read: { (value, terms) throws(MMError) in
                guard let known = Caller.Surface(rawValue: value.text) else {
                    throw value.wrong("Use terminal, mcp, rest or library, or leave it out.")
                }
                terms.caller.surface = known
            }),
        TermHeader(
            "MM-Client", write: { TermHeader.Value.escaped($0.caller.name) },
            read: { (value, terms) throws(MMError) in terms.caller.name = try value.name() }),
        .name("MM-Server", \.caller.server),
        TermHeader(
            "MM-Time-Limit", write: { TermHeader.Value.seconds($0.timeLimit, least: .nanoseconds(1)) },
            read: { (value, terms) throws(MMError) in
                terms.timeLimit = try value.duration(least: .nanoseconds(1))
            }),
        .duration("MM-Patience", \.backgroundAfter, least: .zero),
        .duration("MM-Approval-Wait", \.approvalWait),
        .flag("MM-Waits-For-Sign-In", \.waitsForSignIn),
        .flag("MM-Needs-Handle", \.needsHandle),
        .flag("MM-Reads-Only", \.readsOnly),
        .flag("MM-Forwarded", \.isForwarded),
        .name("MM-Session", \.sessionID),
        .name("MM-Principal", \.jobOwner),
        .name("MM-Model", \.model),
        // The name of the IETF draft (draft-ietf-httpapi-idempotency-key-header).
        .name("Idempotency-Key", \.callID),
        TermHeader(
            "MM-Signed-In", write: { $0.caller.signedIn.map { TermHeader.Value.escaped($0.id) } },
            read: { (value, terms) throws(MMError) in
                terms.caller.signedIn = Caller.Principal(id: try value.name(), name: terms.caller.signedIn?.name)
            }),
        // Must follow the id: a name without an id is dropped.
        TermHeader(
            "MM-Signed-In-Name", write: { $0.caller.signedIn?.name.map { TermHeader.Value.escaped($0) } },
            read: { (value, terms) throws(MMError) in
                let name = try value.name()
                terms.caller.signedIn = terms.caller.signedIn.map { Caller.Principal(id: $0.id, name: name) }
            }),
        TermHeader(
            "MM-Columns", write: { $0.screenColumns.map { "\($0)" } },
            read: { (value, terms) throws(MMError) in terms.screenColumns = try value.columns() }),
        TermHeader(
            "MM-Directory", write: { $0.directory.flatMap { TermHeader.Value.path($0) } },
            read: { (value, terms) throws(MMError) in terms.directory = try value.path() }),
        // The two headers of W3C Trace Context.
        TermHeader(
            "traceparent", write: { $0.trace?.parent },
            read: { (value, terms) throws(MMError) in terms.trace = TraceContext(parent: value.text) }),
        TermHeader(
            "tracestate", write: { $0.trace?.state },
            read: { (value, terms) throws(MMError) in
                terms.trace = TraceContext(parent: terms.trace?.parent, state: value.text)
            }),
    ]

    /// Writes a call's terms into header fields, and whether a person can be asked.
    /// - Parameter carriesToken: whether to include the caller's access token; only for a pool of the same user.
    package static func write(_ context: CallContext, to headers: inout HTTPHeaders, carriesToken: Bool = false) {
        for field in fields {
            if let text = field.write(context.terms) { headers.set(field.name, text) }
        }
        if carriesToken, let token = context.assertion { headers.set(assertion, token.reveal()) }
        if let someone = context.person {
            headers.set(person, (someone.isAtTerminal ? Presence.atTerminal : .behindClient).rawValue)
        }
        if context.input != nil { headers.set(input, "1") }
        headers.set(delivery, "1")
        // The receiver checks who owns the socket.
        if let socket = context.agentSocket.flatMap({ TermHeader.Value.path($0) }) { headers.set(agent, socket) }
    }

    /// Reads what a request says about its call.
    /// - Parameter unnamed: the caller's name if the request gives none.
    /// - Throws: `invalidInput` that names the header.
    package static func read(_ headers: HTTPHeaders, unnamed: String) throws(MMError) -> Sent {
        var sent = Sent(terms: CallTerms(caller: Caller(surface: .rest, name: unnamed, server: nil)))
        for field in fields {
            guard let text = headers[field.name] else { continue }
            try field.read(TermHeader.Value(header: field.name, text: text), &sent.terms)
        }
        sent.assertion = headers[assertion].map { Secret($0) }
        if let text = headers[person] {
            guard let known = Presence(rawValue: text) else {
                throw TermHeader.Value(header: person, text: text).wrong("Use 1 or terminal, or leave it out.")
            }
            sent.person = known
        }
        if let text = headers[agent] { sent.agentSocket = try TermHeader.Value(header: agent, text: text).path() }
        if let text = headers[input] { sent.hasInput = try TermHeader.Value(header: input, text: text).flag() }
        if let text = headers[delivery] {
            sent.confirmsDelivery = try TermHeader.Value(header: delivery, text: text).flag()
        }
        return sent
    }
}

/// One term of a call with the header field that carries it.
struct TermHeader: Sendable {
    /// The header's name.
    let name: String
    /// Returns the header's value; `nil` if the header is left out.
    let write: @Sendable (CallTerms) -> String?
    /// Stores the header's value in the terms.
    let read: @Sendable (Value, inout CallTerms) throws(MMError) -> Void

    init(
        _ name: String, write: @escaping @Sendable (CallTerms) -> String?,
        read: @escaping @Sendable (Value, inout CallTerms) throws(MMError) -> Void
    ) {
        (self.name, self.write, self.read) = (name, write, read)
    }

    static func name(_ header: String, _ term: any WritableKeyPath<CallTerms, String?> & Sendable) -> TermHeader {
        TermHeader(
            header, write: { $0[keyPath: term].map { Value.escaped($0) } },
            read: { (value, terms) throws(MMError) in terms[keyPath: term] = try value.name() })
    }

    static func flag(_ header: String, _ term: any WritableKeyPath<CallTerms, Bool> & Sendable) -> TermHeader {
        TermHeader(
            header, write: { $0[keyPath: term] ? "1" : nil },
            read: { (value, terms) throws(MMError) in terms[keyPath: term] = try value.flag() })
    }

    static func duration(
        _ header: String, _ term: any WritableKeyPath<CallTerms, Duration?> & Sendable,
        least: Duration = .nanoseconds(1)
    ) -> TermHeader {
        TermHeader(
            header, write: { $0[keyPath: term].map { Value.seconds($0, least: least) } },
            read: { (value, terms) throws(MMError) in terms[keyPath: term] = try value.duration(least: least) })
    }
}

extension TermHeader {
    /// The value of a header, with its bounds.
    struct Value {
        let header: String
        let text: String

        /// The longest time limit of a call, in seconds: about 30 years.
        private static let longest: Int64 = 1_000_000_000
        /// The longest name in a header, in bytes before escaping.
        private static let longestName = 512
        /// The longest path in a header, in bytes before escaping: Linux supports no longer ones.
        private static let longestPath = 4096
        /// The widest screen, in columns: more than any terminal has.
        private static let widestScreen = 65_535

        func flag() throws(MMError) -> Bool {
            switch text {
            case "0": false
            case "1": true
            default: throw wrong("Use 1, or leave it out.")
            }
        }

        func name() throws(MMError) -> String { try name(atMost: Self.longestName) }

        func path() throws(MMError) -> String {
            let path = try name(atMost: Self.longestPath)
            guard path.hasPrefix("/"), !path.utf8.contains(0) else { throw wrong("Use an absolute path.") }
            return path
        }

        func columns() throws(MMError) -> Int {
            guard let count = Int(text), (1...Self.widestScreen).contains(count) else {
                throw wrong("Use a number of columns from 1 to \(Self.widestScreen).")
            }
            return count
        }

        func duration(least: Duration) throws(MMError) -> Duration {
            guard let duration = seconds, duration >= least else {
                throw wrong("Use seconds, such as 300 or 0.5, at most \(Self.longest).")
            }
            return duration
        }

        func wrong(_ hint: String) -> MMError {
            MMError(.invalidInput, "The header \(header) can't be `\(text.prefix(60))`.", hint: hint)
        }

        private func name(atMost longest: Int) throws(MMError) -> String {
            guard let name = PercentCoding.decode(text.utf8), !name.isEmpty, name.utf8.count <= longest else {
                throw wrong("Use a name of at most \(longest) bytes, percent-encoded as UTF-8.")
            }
            return name
        }

        /// A number of seconds. What is left of a nanosecond counts as a whole one, so that a positive time stays one.
        private var seconds: Duration? {
            let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
            let isNumber = parts.allSatisfy { part in
                !part.isEmpty && part.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 }
            }
            guard isNumber, let whole = Int64(parts[0]), whole <= Self.longest else { return nil }
            guard parts.count == 2 else { return .seconds(whole) }
            let digits = parts[1].utf8
            var nanoseconds = digits.prefix(9).reduce(Int64(0)) { $0 * 10 + Int64($1 - 0x30) }
            for _ in digits.count..<max(digits.count, 9) { nanoseconds *= 10 }
            if digits.dropFirst(9).contains(where: { $0 != 0x30 }) { nanoseconds += 1 }
            return .seconds(whole) + .nanoseconds(nanoseconds)
        }

        /// Writes a duration as seconds, clamped to the bounds.
        static func seconds(_ duration: Duration, least: Duration) -> String {
            let bounded = min(max(duration, least), .seconds(longest))
            let (whole, attoseconds) = bounded.components
            guard attoseconds > 0 else { return "\(whole)" }
            let fraction = String(attoseconds / 1_000_000_000)
            return "\(whole)." + String(repeating: "0", count: 9 - fraction.utf8.count) + fraction
        }

        static func escaped(_ name: String) -> String { escaped(name, atMost: longestName) }

        /// A path; `nil` for one that is too long, since a truncated path would be a different one.
        static func path(_ path: String) -> String? {
            path.utf8.count <= longestPath ? escaped(path, atMost: longestPath) : nil
        }

        private static func escaped(_ name: String, atMost longest: Int) -> String {
            var short = name
            while short.utf8.count > longest { short.removeLast() }
            return PercentCoding.encode(short.isEmpty ? "-" : short) {
                $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "%")
            }
        }
    }
}
