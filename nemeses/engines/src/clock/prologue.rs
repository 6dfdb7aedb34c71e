//! The part of the beginning of a function that can be moved elsewhere.
//!
//! Only the instructions that compilers begin functions with are known. At any other instruction,
//! the function is not moved, and the node reads its clocks by system calls: right, but slower. A
//! whole decoder would be a far larger dependency for the same few instructions.

/// The length of the whole instructions that cover at least `least` bytes of `code`; none when one
/// of them is not known to mean the same elsewhere.
pub(super) fn movable(code: &[u8], least: usize) -> Option<usize> {
    let mut length = 0;
    while length < least {
        length += instruction(code.get(length..)?)?;
    }
    (length <= code.len()).then_some(length)
}

/// The length of the first instruction, if it is known and refers to no place relative to itself.
fn instruction(code: &[u8]) -> Option<usize> {
    const ENDBR64: [u8; 4] = [0xf3, 0x0f, 0x1e, 0xfa];
    if code.starts_with(&ENDBR64) {
        return Some(ENDBR64.len());
    }
    // REX, the prefix of instructions on 64 bits or on the newer registers.
    let rex = usize::from(matches!(code.first()?, 0x40..=0x4f));
    let wide = rex == 1 && code[0] & 0x08 != 0;
    let operands = code.get(rex + 1..);
    let behind_opcode = match code.get(rex)? {
        // push, pop
        0x50..=0x5f => 0,
        // add, or, and, sub, xor, cmp, test, mov between registers or memory; movsxd; lea
        0x01
        | 0x03
        | 0x09
        | 0x0b
        | 0x21
        | 0x23
        | 0x29
        | 0x2b
        | 0x31
        | 0x33
        | 0x39
        | 0x3b
        | 0x63
        | 0x84
        | 0x85
        | 0x88..=0x8b
        | 0x8d => operand(operands?)?,
        // arithmetic with an immediate of four bytes or one
        0x81 => operand(operands?)? + 4,
        0x83 => operand(operands?)? + 1,
        // mov of an immediate into a register
        0xb8..=0xbf => {
            if wide {
                8
            } else {
                4
            }
        }
        _ => return None,
    };
    Some(rex + 1 + behind_opcode)
}

/// The length of an operand (ModRM, SIB and displacement); none when it is relative to the
/// instruction.
fn operand(code: &[u8]) -> Option<usize> {
    let (mode, register) = (code.first()? >> 6, code[0] & 7);
    let has_sib = mode != 3 && register == 4;
    let sib = usize::from(has_sib);
    let displacement = match mode {
        0 if register == 5 => return None,
        0 if has_sib && code.get(1)? & 7 == 5 => 4,
        1 => 1,
        2 => 4,
        _ => 0,
    };
    Some(1 + sib + displacement)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(code: &[u8], expect: Option<usize>) {
        assert_eq!(movable(code, 5), expect, "{code:02x?}");
    }

    #[test]
    fn beginnings_of_functions_are_measured() {
        // push rbp; mov rbp, rsp; push r14
        check(&[0x55, 0x48, 0x89, 0xe5, 0x41, 0x56, 0x53], Some(6));
        // endbr64; push rbp
        check(&[0xf3, 0x0f, 0x1e, 0xfa, 0x55, 0x90], Some(5));
        // cmp edi, 23; sub rsp, 16
        check(&[0x83, 0xff, 0x17, 0x48, 0x83, 0xec, 0x10], Some(7));
        // mov eax, 1
        check(&[0xb8, 1, 0, 0, 0, 0x90], Some(5));
        // movabs rax, imm64
        check(&[0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8], Some(10));
        // lea r10, [rsp + 8]; push rbx
        check(&[0x4c, 0x8d, 0x54, 0x24, 0x08, 0x53], Some(5));
        // mov rax, [disp32] without a base
        check(&[0x48, 0x8b, 0x04, 0x25, 1, 2, 3, 4], Some(8));
        // sub rsp, 0x100
        check(&[0x48, 0x81, 0xec, 0, 1, 0, 0], Some(7));
    }

    #[test]
    fn what_is_relative_or_unknown_or_cut_short_is_not_moved() {
        // push rbp; lea r10, [rip + x]
        check(&[0x55, 0x4c, 0x8d, 0x15, 0xe8, 0x97, 0xff, 0xff], None);
        // cmp dword ptr [rip + x], imm32
        check(&[0x81, 0x3d, 0x3a, 0x95, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], None);
        // jmp, call, ret, int3
        check(&[0xe9, 0, 0, 0, 0], None);
        check(&[0xe8, 0, 0, 0, 0], None);
        check(&[0x55, 0xc3, 0x90, 0x90, 0x90], None);
        check(&[0xcc; 5], None);
        check(&[0x55, 0x48, 0x89], None);
        check(&[0xb8, 1, 0], None);
        check(&[], None);
    }
}
