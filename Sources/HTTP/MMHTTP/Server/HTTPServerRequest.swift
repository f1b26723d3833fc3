package import MMCore
import MMSystem

/// A request that a listener received.
///
/// The task that handles it is cancelled when its client goes away.
package struct HTTPServerRequest: Sendable {
    /// The method.
    package var method: String
    /// The request target as sent, without any decoding.
    package var target: String
    /// The header fields.
    package var headers: HTTPHeaders
    /// The body.
    package var body: [UInt8]
    /// The receiver that took the body instead of `body`, if the listener has one for this request.
    package var receiver: (any HTTPBodyReceiver)?
    /// The sender.
    package var peer: HTTPPeer
    /// The local address that a TCP peer connected to; nil for a Unix socket.
    package var localAddress: String?
    /// The owner of the peer's end of the connection, if the request arrived over one.
    var owner: PeerOwner?

    package init(
        method: String, target: String, headers: HTTPHeaders = [:], body: [UInt8] = [],
        peer: HTTPPeer = .unix(uid: 0, pid: 0), localAddress: String? = nil
    ) {
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
        self.peer = peer
        self.localAddress = localAddress
    }

    /// The target up to its first question mark, without any decoding.
    package var path: String {
        target.firstIndex(of: "?").map { String(target[..<$0]) } ?? target
    }

    /// The target after its first question mark, without any decoding; nil if there is none.
    package var query: String? {
        target.firstIndex(of: "?").map { String(target[target.index(after: $0)...]) }
    }
}

extension HTTPServerRequest {
    /// Returns the peer's processes: the one that opened a Unix socket, or those on this machine that hold a TCP peer's
    /// socket, as far as they are visible.
    package func peerProcesses() -> [Int32] {
        if let owner { return owner.processes }
        return if case .unix(_, let process) = peer { [process] } else { [] }
    }

    /// Returns the peer's user: that of a Unix socket, or the owner of the socket for a TCP peer on this machine. Nil
    /// for other peers.
    package func peerUser() -> UInt32? {
        if let owner { return owner.user }
        return switch peer {
        case .unix(let uid, _): uid
        case .tcp(let address, let port, let localPort):
            localAddress.flatMap {
                LoopbackPeer.user(address: address, port: port, localAddress: $0, localPort: localPort)
            }
        }
    }
}

/// A receiver of a request's body as it arrives, so that the body needn't be kept in memory.
package protocol HTTPBodyReceiver: Sendable {
    /// Takes the next piece. Called on the server's thread, which waits for it.
    func take(_ piece: UnsafeRawBufferPointer)
}

/// The sender of a request, as the kernel reports it.
package enum HTTPPeer: Sendable, Hashable {
    /// A process on this machine, over a Unix socket.
    case unix(uid: UInt32, pid: Int32)
    /// A TCP peer: its address and port, and the local port that it connected to.
    case tcp(address: String, port: UInt16, localPort: UInt16)
}

/// Reads request bodies that must be JSON objects.
extension HTTPServerRequest {
    /// The depth limit is ample for arguments.
    private static let objectLimits = JSONLimits(bytes: 64 << 20, depth: 128, duplicateKeys: .refuse)

    /// Reads the body as a JSON object; a missing body is an empty object.
    /// - Throws: `unsupportedMediaType`, also for a compressed body; `invalidInput` with the position of the fault.
    package func jsonObject() throws(MMError) -> JSONObject {
        if body.isEmpty { return [:] }
        if let coding = headers.values(for: "Content-Encoding").first(where: { !HTTPHeaders.sameName($0, "identity") })
        {
            throw MMError(
                .unsupportedMediaType, "The body has the content coding `\(coding.prefix(60))`.",
                hint: "Send it without Content-Encoding.")
        }
        if let type = headers["Content-Type"], !MediaTypes.isJSON(type) {
            throw MMError(
                .unsupportedMediaType, "The body is `\(type.prefix(60))`.", hint: "Send Content-Type: application/json."
            )
        }
        guard headers.contains("Content-Type") else {
            throw MMError(
                .unsupportedMediaType, "The body has no Content-Type.", hint: "Send Content-Type: application/json.")
        }
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONParser.parse(body, limits: Self.objectLimits)
        } catch {
            throw MMError(
                .invalidInput, "The body isn't valid JSON: \(error.description).",
                hint: "Send the arguments as one JSON object.")
        }
        guard let object = value.object else {
            throw MMError(
                .invalidInput, "The body is \(value.kindName).", hint: "Send the arguments as one JSON object.")
        }
        return object
    }
}

extension MMErrorCode {
    /// The body's media type isn't supported; 415 over HTTP.
    package static let unsupportedMediaType = MMErrorCode("unsupported_media_type")
    /// None of the media types that the client accepts can be produced; 406 over HTTP.
    package static let notAcceptable = MMErrorCode("not_acceptable")
}
