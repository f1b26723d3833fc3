/// The services for sending guarded requests with files of this machine.
package struct TransferServices: Sendable {
    /// Sends the requests.
    package let requests: RequestServices
    /// Decides which files of this machine a caller may use.
    package let shells: ShellServices
}
