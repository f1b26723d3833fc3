#Requires -Version 5.1
#Requires -Modules Microsoft.Graph.Authentication, Microsoft.Graph.Users
Import-Module Microsoft.Graph.Users
Connect-MgGraph -Scopes 'User.Read.All','AuditLog.Read.All'
Write-Progress -Activity "Reading users"
$i = 0
foreach ($u in Get-MgUser -All) {
    $i++
    Write-Progress -Activity "Reading users" -Status $u.UserPrincipalName
    $methods = Get-MgUserAuthenticationMethod -UserId $u.Id
    [PSCustomObject]@{ User = $u.UserPrincipalName; Methods = $methods.Count }
}
