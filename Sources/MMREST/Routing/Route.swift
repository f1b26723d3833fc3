import MMCore
import MMHTTP

/// One request on its way to its answer.
struct RESTRequest: Sendable {
    /// What came.
    let http: HTTPServerRequest
    /// Who sent it.
    let peer: RESTPeer
    /// What stood in the place of the path's names, decoded.
    let names: [String]
}

/// A path with the methods that answer it.
struct Route: Sendable {
    typealias Handler = @Sendable (RESTRequest) async throws(MMError) -> HTTPServerResponse

    /// The path; `{}` stands for one name.
    let path: String
    private let segments: [String]
    let methods: [(name: String, handler: Handler)]

    init(_ path: String, _ methods: [(name: String, handler: Handler)]) {
        self.path = path
        self.methods = methods
        segments = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    }

    /// The names in a request's path; `nil` when it is another path.
    func match(_ parts: [Substring]) -> [String]? {
        guard parts.count == segments.count else { return nil }
        var names: [String] = []
        for (part, segment) in zip(parts, segments) {
            if segment == "{}" {
                guard let name = PercentCoding.decode(part.utf8), !name.isEmpty, name.utf8.count <= 200 else {
                    return nil
                }
                names.append(name)
            } else if part != segment {
                return nil
            }
        }
        return names
    }

    /// What may be asked of the path, as the header `Allow` lists it.
    var allow: String {
        var names = methods.map(\.name)
        if names.contains("GET") { names.append("HEAD") }
        return (names + ["OPTIONS"]).joined(separator: ", ")
    }

    func handler(for method: String) -> Handler? {
        let wanted = method == "HEAD" ? "GET" : method
        return methods.first { $0.name == wanted }?.handler
    }
}
