package import MMCore

/// A call of a service beside Microsoft Graph: one that administrators ask for, with all that its address must have.
package struct ServiceCall: Sendable, Hashable {
    /// The service.
    package let service: RequestService
    /// The method.
    package let method: String
    /// Path and query; names in braces stand for what the caller puts in.
    package let path: String
    /// The body of an example; empty for none.
    package let body: String
    /// What people call it, each as the stems of its words.
    let phrases: [[String]]
}
