import CPowerShellResources

/// The PowerShell side of a session, as it is compiled into the program.
public enum BootstrapScript {
    /// The script's UTF-8 text.
    public static var bytes: [UInt8] {
        let text = cpowershell_bootstrap()
        return Array(UnsafeBufferPointer(start: text.bytes, count: text.count))
    }

    /// The script.
    public static var text: String { String(decoding: bytes, as: UTF8.self) }
}
