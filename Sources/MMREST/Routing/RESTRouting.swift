import MMCore
package import MMHTTP

/// One request on its way to its answer.
typealias RESTRequest = RoutedRequest<RESTPeer>

extension Router.Refusals where Peer == RESTPeer {
    /// Problem details.
    package static var problems: Self {
        Self(
            wrongMethod: { request, methods in
                Problem.response(
                    MMError(
                        .invalidInput,
                        "\(request.method.prefix(20)) is nothing that \(request.path.prefix(100)) answers.",
                        hint: "It answers \(methods.joined(separator: ", "))."), status: 405)
            }, failure: { Problem.response($0) })
    }
}
