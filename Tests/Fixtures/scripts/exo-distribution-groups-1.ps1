Set-ExecutionPolicy -ExecutionPolicy RemoteSigned -Scope Process -Force
Import-Module ExchangeOnlineManagement
$adminUpn = "admin@contoso-sandbox.example"
try {
    Connect-ExchangeOnline -UserPrincipalName $adminUpn -ErrorAction Stop
}
catch {
    Write-Host "Could not connect: $($_.Exception.Message)" -ForegroundColor Red
    return
}
Function Get_Members {
    param($Group)
    Get-DistributionGroupMember -Identity $Group.Identity -ResultSize Unlimited | Select-Object Name, PrimarySmtpAddress
}
Function main {
    foreach ($Group in Get-DistributionGroup -ResultSize Unlimited) {
        Get_Members -Group $Group
        Print_Summary $Group
    }
}
Function Print_Summary($Group) { Write-Host "Group: $($Group.DisplayName)" -ForegroundColor Green }
main
Disconnect-ExchangeOnline -Confirm:$false -InformationAction Ignore -ErrorAction SilentlyContinue
