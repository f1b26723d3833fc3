import Glibc
import MMCore
import MMOperations
import MMPowerShell
import MMSystem

/// Whether the programs are there that `mm` starts.
struct ProgramChecks: Sendable {
    /// Names PowerShell and the search path.
    let environment: [String: String]

    /// Looks for PowerShell, its modules and the other programs; starts none.
    func examine(into report: inout DoctorReport) {
        examinePowerShell(into: &report)
        find("jq", for: "--jq", install: "sudo apt-get install jq", into: &report)
        find("ssh", for: "mm ssh", install: "sudo apt-get install openssh-client", into: &report)
        examineSystemd(into: &report)
    }

    private func examinePowerShell(into report: inout DoctorReport) {
        let location: PowerShellLocation
        do throws(MMError) {
            location = try PowerShellLocator(environment: environment).locate()
        } catch {
            // Graph, Flow and simple Exchange pipelines need none.
            report.add("PowerShell", .advice, error.message, remedy: error.hint)
            return
        }
        report.add("PowerShell", .sound, "\(location); mm doctor powershell tries it")
        let folders = moduleFolders(besides: location.program)
        var missing: [String] = []
        for profile in ModuleProfiles.all {
            guard case .module(let name, _) = profile.requirement else { continue }
            if !folders.contains(where: { access("\($0)/\(name)", F_OK) == 0 }) {
                missing.append("\(name) (\(profile.name))")
            }
        }
        guard !missing.isEmpty else {
            report.add("PowerShell modules", .sound, "all that sessions use are installed")
            return
        }
        report.add(
            "PowerShell modules", .advice, "not installed: \(missing.joined(separator: ", "))",
            remedy: "For those that you use: pwsh -NoProfile -Command 'Install-PSResource NAME -Scope CurrentUser'")
    }

    /// The folders in which PowerShell looks for modules (about_PSModulePath).
    private func moduleFolders(besides program: String) -> [String] {
        let home = StatePaths(environment: environment).home
        var folders = (environment["PSModulePath"] ?? "").split(separator: ":").map(String.init)
        folders += ["\(home)/.local/share/powershell/Modules", "/usr/local/share/powershell/Modules"]
        if let real = realpath(program, nil) {
            let path = String(cString: real)
            free(real)
            if let slash = path.lastIndex(of: "/") { folders.append(path[..<slash] + "/Modules") }
        }
        return folders
    }

    private func find(_ program: String, for use: String, install: String, into report: inout DoctorReport) {
        if let path = ExecutableSearch.find(program, path: environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin") {
            report.add(program, .sound, path)
        } else {
            report.add(program, .advice, "isn't installed; \(use) needs it", remedy: install)
        }
    }

    private func examineSystemd(into report: inout DoctorReport) {
        let runtime = environment["XDG_RUNTIME_DIR"] ?? ""
        guard !runtime.isEmpty, access("\(runtime)/systemd/private", F_OK) == 0 else {
            report.add("systemd", .sound, "not for this user; programs start the pool themselves")
            return
        }
        let units = PoolUnits.folder(environment)
        let isInstalled = access("\(units)/mm-pool.socket", F_OK) == 0
        report.add(
            "systemd", .sound,
            isInstalled ? "starts the pool (\(units)/mm-pool.socket)" : "could start the pool: mm pool install")
    }
}
