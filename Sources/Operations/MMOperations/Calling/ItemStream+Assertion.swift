import MMCore
import MMIdentity

extension ItemStream {
    /// The same list, fetched on behalf of the caller also when it is read after the call's own work.
    func reading(for assertion: Secret) -> ItemStream {
        ItemStream(end: end) { () async throws(MMError) in
            try await CallerAssertion.with(assertion) { () async throws(MMError) in try await next() }
        }
    }
}
