// An unattended job: reads from several connections through the pool, and tells the scheduler by its exit code what is
// needed. 3: a person has to sign in; 5: a person has to confirm.
//
//     swift run NightlyReport Contoso Fabrikam
//
// Calls.swift was written by `mm swift graph_request unused-guests`.
import Glibc
import MicrosoftMaster

let names = Array(CommandLine.arguments.dropFirst())
guard !names.isEmpty else {
    print("usage: NightlyReport CONNECTION…")
    exit(2)
}
var worst: Int32 = 0
do throws(MMError) {
    let mm = try await MM.pool(named: "NightlyReport")
    for name in names {
        do throws(MMError) {
            let users = try await mm(
                GraphRequest(
                    connection: name, endpoint: "/users?$select=userPrincipalName,accountEnabled", all: true))
            var (count, disabled) = (0, 0)
            for try await user in users.rows {
                count += 1
                if user["accountEnabled"] == false { disabled += 1 }
            }
            let unused = try await mm(UnusedGuests(connection: name, days: 60))
            var guests = 0
            for try await _ in unused.rows { guests += 1 }
            print("\(name): \(count) accounts, \(disabled) of them disabled; \(guests) guests have not signed in for 60 days")
            // The calls ended, but their answers may be incomplete.
            for part in users.whatIsMissing + unused.whatIsMissing {
                print("\(name): \(part)")
                worst = max(worst, 1)
            }
        } catch {
            // Continue with the other tenants after an error.
            print("\(name): \(error.description)")
            worst = max(worst, error.exitCode)
        }
    }
} catch {
    print(error.description)
    worst = error.exitCode
}
exit(worst)
