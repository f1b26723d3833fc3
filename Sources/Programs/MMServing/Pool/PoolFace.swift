package import MMCore
package import MMHTTP
package import MMOperations
package import MMPool

/// What a pool shows to clients of one kind: routes over the operations that this process carries out.
///
/// `mm pool serve --profile NAME` picks one; a new one is a line in `all`.
package struct PoolFace: Sendable {
    /// What a face is made from.
    package struct Context: Sendable {
        /// What operations work with.
        package let services: OperationServices
        /// Carries operations out, in this process or where they belong.
        package let service: any OperationService
        /// The environment that the pool was started with.
        package let environment: [String: String]
        /// What this process says of itself.
        package let handshake: @Sendable () async -> PoolHandshake
        /// What the addresses of this process have in common.
        package var shared = RESTShared()
    }

    /// The steps of its requests after authentication.
    package typealias Steps = [any HTTPMiddleware<AdmittedPeer>]

    /// The name, as `--profile` takes it.
    package let name: String
    /// What it is for, in one line.
    package let summary: String
    /// Where it listens unless told otherwise, from the environment of the pool; `nil`: only where `--listen` says.
    package let address: @Sendable ([String: String]) -> String?
    /// Makes its steps.
    package let steps: @Sendable (Context) throws(MMError) -> Steps

    /// A face.
    /// - Parameters:
    ///   - name: as `--profile` takes it.
    ///   - summary: what it is for.
    ///   - address: where it listens unless told otherwise.
    ///   - steps: makes its steps; called once, before the face listens.
    init(
        _ name: String, summary: String,
        address: @escaping @Sendable ([String: String]) -> String? = { _ in nil },
        steps: @escaping @Sendable (Context) throws(MMError) -> Steps
    ) {
        self.name = name
        self.summary = summary
        self.address = address
        self.steps = steps
    }

    /// Every face, the pool's own first.
    package static let all: [PoolFace] = [standard, pool, pwshManager]

    /// The face of a name.
    /// - Throws: `invalidInput` with the names that there are.
    package static func named(_ name: String) throws(MMError) -> PoolFace {
        if let face = all.first(where: { $0.name == name }) { return face }
        let names = all.map(\.name).joined(separator: ", ")
        throw MMError(.invalidInput, "There is no profile `\(name.prefix(60))`.", hint: "Profiles: \(names).")
    }
}
