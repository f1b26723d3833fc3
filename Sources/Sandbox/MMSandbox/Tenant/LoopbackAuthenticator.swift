internal import MMHTTP

/// Lets in whoever asks for this machine by a loopback name: a web page of somebody else can make a browser send requests
/// here under its own.
struct LoopbackAuthenticator: HTTPAuthenticator {
    func authenticate(_ request: HTTPServerRequest) -> AuthenticationResult<Void> {
        guard let host = request.headers["host"] else { return .admitted(()) }
        let name = host.hasPrefix("[") ? String(host.prefix { $0 != "]" }) + "]" : String(host.prefix { $0 != ":" })
        guard ["127.0.0.1", "localhost", "[::1]"].contains(name.lowercased()) else {
            return .refused(.text("Not a name of this sandbox.\n", status: 421))
        }
        return .admitted(())
    }
}
