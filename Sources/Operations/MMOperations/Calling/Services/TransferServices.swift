/// The services for sending guarded requests with files of this machine.
package struct TransferServices: Sendable {
    /// The services that send the requests.
    package let requests: RequestServices
    /// The services that decide which files of this machine a caller may use.
    package let shells: ShellServices
}
