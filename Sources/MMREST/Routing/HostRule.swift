import MMCore
import MMHTTP
import MMPoolWire

/// Which names a request over TCP may call this server by, and which pages may send it one.
///
/// A page of the web can have its own name point at this machine (DNS rebinding): its requests then carry that name as
/// Host. So only names that nobody else can own are admitted, and those that were allowed.
struct HostRule: HTTPMiddleware {
    private let names: Set<String>
    private let admitsNumericHosts: Bool

    init(allowedHosts: [String], admitsNumericHosts: Bool) {
        names = Set(allowedHosts.map { $0.lowercased() } + ["localhost", "127.0.0.1", "[::1]"])
        self.admitsNumericHosts = admitsNumericHosts
    }

    /// Hands on what may be answered.
    func respond(
        to request: HTTPServerRequest, from peer: AdmittedPeer, next: HTTPResponder<AdmittedPeer>
    ) async -> HTTPServerResponse {
        guard let reason = refusal(request) else { return await next(request, peer) }
        return Problem.response(MMError(.forbidden, reason), status: request.headers["Host"] == nil ? 400 : 403)
    }

    /// Why a request is not answered; `nil` when it may be.
    func refusal(_ request: HTTPServerRequest) -> String? {
        // A Unix socket has no name to rebind, and what speaks through one is no browser.
        if case .unix = request.peer { return nil }
        guard let host = request.headers["Host"], let name = Self.name(of: Substring(host)), admits(name) else {
            return "This server is not known by the name in the header Host."
        }
        for origin in request.headers.values(for: "Origin") {
            let schemes = ["http://", "https://"]
            guard let scheme = schemes.first(where: { origin.lowercased().hasPrefix($0) }),
                let page = Self.name(of: origin.dropFirst(scheme.count)), admits(page)
            else { return "Pages of this origin may not use this server." }
        }
        return nil
    }

    private func admits(_ name: String) -> Bool {
        names.contains(name) || (admitsNumericHosts && Self.isNumeric(name))
    }

    /// The name of `name[:port]` in small letters (RFC 9110, section 7.2); `nil` when it is neither.
    private static func name(of authority: Substring) -> String? {
        var name = authority
        var rest: Substring = ""
        if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") {
            name = authority[...end]
            rest = authority[authority.index(after: end)...]
        } else if let colon = authority.firstIndex(of: ":") {
            name = authority[..<colon]
            rest = authority[colon...]
        }
        let isPort = rest.isEmpty || (rest.utf8.count <= 6 && rest.utf8.dropFirst().allSatisfy(isDigit))
        return isPort && !name.isEmpty ? name.lowercased() : nil
    }

    /// An IPv4 address in four numbers, or an IPv6 address in brackets: names that no page can have made up.
    private static func isNumeric(_ name: String) -> Bool {
        if name.hasPrefix("["), name.hasSuffix("]") {
            return name.utf8.dropFirst().dropLast().allSatisfy { byte in
                isDigit(byte) || (0x61...0x66).contains(byte) || byte == UInt8(ascii: ":") || byte == UInt8(ascii: ".")
            }
        }
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { $0.utf8.allSatisfy(isDigit) && UInt8($0) != nil }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}
