// A PowerShell session behind the guard: each line is judged before it runs, and the questions of the guard are asked
// here. Variables persist between lines.
//
//     swift run GuardedSession
import Glibc
import MMCore
import MMGuard
import MMPowerShell

do throws(MMError) {
    let session = try PowerShellSession(folder: StatePaths().home + "/.mm-example")
    while true {
        print("> ", terminator: "")
        fflush(nil)
        guard let line = readLine(), line != "exit" else { break }
        let verdict = GuardEngine.standard.judge(script: line, policy: .standard)
        switch verdict.decision {
        case .deny:
            print("denied: \(verdict.reason) \(verdict.instead ?? "")")
            continue
        case .ask:
            print("\(verdict.reason) Run it? [y/N] ", terminator: "")
            fflush(nil)
            guard readLine()?.lowercased() == "y" else { continue }
        case .allow: break
        }
        do throws(MMError) {
            let answer = try await session.answer(PowerShellCommand(line), deadline: .after(.seconds(300)))
            for value in answer.values { print(value) }
        } catch {
            print(error.description)
        }
    }
    await session.close()
} catch {
    print(error.description)
    exit(error.exitCode)
}
