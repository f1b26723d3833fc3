/// What it takes to send guarded requests with files of this machine.
package struct TransferServices: Sendable {
    /// Sends the requests.
    package let requests: RequestServices
    /// Says which files a caller reaches.
    package let shells: ShellServices
}
