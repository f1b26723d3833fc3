internal import MMCore
internal import MMGuard
internal import MMHTTP

/// What Microsoft Graph has and this tenant doesn't: whoever asks is told so, and doesn't look for a mistake of their own.
enum UnservedPath {
    /// A failure as it is, or the honest one where the real service knows the path.
    static func told(_ failure: GraphFailure, _ call: GraphCall) -> GraphFailure {
        guard failure.status == 400, failure.message.hasPrefix("Resource not found for the segment"),
            let target = try? RequestTarget(parsing: call.request.path, service: .graph, normalization: .clean),
            PermissionTable.standard.permissions(call.request.method, target) != nil
        else { return failure }
        let path = "/" + target.segments.joined(separator: "/")
        return GraphFailure(
            400, "NotServedBySandbox",
            "The sandbox doesn't know \(call.request.method) \(path); the real service does. \(failure.message)")
    }
}
