#Requires -Version 5.1
#Requires -Modules Microsoft.Graph.Authentication, Microsoft.Graph.Users
Import-Module Microsoft.Graph.Users
Connect-MgGraph -Scopes 'User.Read.All','AuditLog.Read.All'
foreach ($role in Get-MgDirectoryRole -All) {
    foreach ($member in Get-MgDirectoryRoleMember -DirectoryRoleId $role.Id) {
        "$($role.DisplayName): $($member.Id)"
    }
}
