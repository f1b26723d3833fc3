import MMCore

/// A stand-in for PowerShell whose device codes stay pending until a file of the test says that the person approved.
struct StandInSignIn {
    private let home: TemporaryHome
    private let file: String

    init(_ home: TemporaryHome) {
        self.home = home
        file = "\(home.path)/approved"
    }

    /// The environment in which every module shows a device code.
    func environment(account: String = "admin@contoso-sandbox.example") -> [String: String] {
        home.environment.merging([
            "MM_PWSH": "\(Programs.mm) sandbox pwsh --approve-when \(file) --account \(account) "
                + "--tenant 5a4db0c5-7e11-4c02-9d0e-5a11db0c5e01"
        ]) { $1 }
    }

    /// Approves pending and future codes.
    func approve() throws { try ProtectedFile.replace(file, with: []) }
}
