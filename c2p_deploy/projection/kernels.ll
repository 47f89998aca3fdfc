; Made by tools/build_kernels.py from kernels.py. Do not edit.
; numba 0.68.1, llvmlite 0.50.0
define void @draw_view(ptr readonly %0, i64 %1, ptr readonly %2, float %3, ptr readonly %4, i64 %5, float %6, ptr %7, ptr %8) {
entry:
  %.42.i = fdiv float 1.000000e+00, %3
  %.46.i = fmul float %6, %6
  %.51.i = fadd float %6, 1.000000e+00
  %.56.i = sitofp i64 %5 to double
  %.57.i = fmul double %.56.i, 5.000000e-01
  %.58.i = fptrunc double %.57.i to float
  %.63.i = fmul float %6, %.58.i
  %.65.i = fadd float %.63.i, 0x3F847AE140000000
  %.71.i = mul i64 %5, %5
  %.157310.i = icmp sgt i64 %.71.i, 0
  br i1 %.157310.i, label %B252.if.i, label %B278.i

B278.i:
  %.286319.not.i = icmp slt i64 %1, 1
  br i1 %.286319.not.i, label %B1426.preheader.i, label %B310.if.lr.ph.i

B310.if.lr.ph.i:
  %.349.i = getelementptr i8, ptr %2, i64 12
  %.354.i = getelementptr i8, ptr %2, i64 24
  %.362.i = getelementptr i8, ptr %2, i64 4
  %.366.i = getelementptr i8, ptr %2, i64 16
  %.371.i = getelementptr i8, ptr %2, i64 28
  %.379.i = getelementptr i8, ptr %2, i64 8
  %.383.i = getelementptr i8, ptr %2, i64 20
  %.388.i = getelementptr i8, ptr %2, i64 32
  %.490.i = add nsw i64 %5, -1
  br label %B310.if.i

B1426.preheader.i:
  br i1 %.157310.i, label %B1426.if.i, label %exit

B716.i:
  %.421.i = fsub float 1.000000e+00, %.357.i
  %.423.i = fmul float %.421.i, %.58.i
  %.425.i = fadd float %.423.i, -5.000000e-01
  %.428.i = fsub float 1.000000e+00, %.374.i
  %.430.i = fmul float %.428.i, %.58.i
  %.432.i = fadd float %.430.i, -5.000000e-01
  %.434.i = fsub float %.425.i, %.65.i
  %.436.i = fadd float %.434.i, 1.000000e+00
  %.5.i.i = fptosi float %.436.i to i64
  %.13.i.i = tail call i64 @llvm.smax.i64(i64 %.5.i.i, i64 0)
  %.552.i = fsub float %.432.i, %.65.i
  %.554.i = fadd float %.552.i, 1.000000e+00
  %.5.i299.i = fptosi float %.554.i to i64
  %.13.i300.i = tail call i64 @llvm.smax.i64(i64 %.5.i299.i, i64 0)
  %.610.i = fadd float %.65.i, %.432.i
  %.5.i301.i = fptosi float %.610.i to i64
  %.13.i302.i = tail call i64 @llvm.smin.i64(i64 %.5.i301.i, i64 %.490.i)
  %.663.i = add nsw i64 %.13.i302.i, 1
  %.700.i = sub i64 %.663.i, %.13.i300.i
  %.743316.not.i = icmp slt i64 %.700.i, 1
  br i1 %.743316.not.i, label %B1935.i, label %B1078.if.lr.ph.i

B1078.if.lr.ph.i:
  %.492.i = fadd float %.65.i, %.425.i
  %.5.i297.i = fptosi float %.492.i to i64
  %.13.i298.i = tail call i64 @llvm.smin.i64(i64 %.5.i297.i, i64 %.490.i)
  %.795.i = add nsw i64 %.13.i298.i, 1
  %.833.i = sub i64 %.795.i, %.13.i.i
  %spec.select309.i = tail call i64 @llvm.smax.i64(i64 %.833.i, i64 0)
  %.876313.not.i = icmp slt i64 %.833.i, 1
  br label %B1078.if.i

B1078.loopexit.i:
  %.743.i = icmp sgt i64 %.690.0318.i, 1
  br i1 %.743.i, label %B1078.if.i, label %B1935.i

B1202.i:
  %.935.i = getelementptr float, ptr %12, i64 %.820.0314.i
  %.936.i = load float, ptr %.935.i, align 4
  %.938.i = fcmp olt float %.393.i, %.936.i
  br i1 %.938.i, label %B1238.i, label %B1260.i

B1238.i:
  store float %.393.i, ptr %.935.i, align 4
  br label %B1260.i

B1260.i:
  %.876.i = icmp sgt i64 %.823.0315.i, 1
  br i1 %.876.i, label %B1152.if.i, label %B1078.loopexit.i

B1614.loopexit.i:
  %9 = add i32 %.13.i304.i, 1
  %10 = icmp eq i64 %.1294.i, 0
  %.1310.i = load i32, ptr %8, align 4
  store i32 %9, ptr %8, align 4
  %.1326.i = load float, ptr %7, align 4
  store i32 %.13.i305.i, ptr %8, align 4
  %.1342.i = load float, ptr %7, align 4
  store i32 %.1310.i, ptr %8, align 4
  %.12.i.i = fcmp ogt float %.1326.i, 1.000000e+00
  %.13.i303.i = select i1 %.12.i.i, float 1.000000e+00, float %.1326.i
  %11 = select i1 %10, float %.1326.i, float %.13.i303.i
  br label %B1764.if.i

B1935.i:
  %exitcond333.not.i = icmp eq i64 %.299.i, %1
  br i1 %exitcond333.not.i, label %B1426.preheader.i, label %B310.if.i

B252.if.i:
  %.99.0312.i = phi i64 [ %.170.i, %B252.if.i ], [ 0, %entry ]
  %.170.i = add nsw i64 %.99.0312.i, 1
  %.196.i = getelementptr float, ptr %7, i64 %.99.0312.i
  store float 0x47EFF933C0000000, ptr %.196.i, align 4
  %exitcond.not.i = icmp eq i64 %.170.i, %.71.i
  br i1 %exitcond.not.i, label %B278.i, label %B252.if.i

B310.if.i:
  %.229.0321.i = phi i64 [ 0, %B310.if.lr.ph.i ], [ %.299.i, %B1935.i ]
  %.299.i = add nsw i64 %.229.0321.i, 1
  %.326.idx.i = mul i64 %.229.0321.i, 12
  %.326.i = getelementptr i8, ptr %0, i64 %.326.idx.i
  %.327.i = load float, ptr %.326.i, align 4
  %.329.i = fmul float %.42.i, %.327.i
  %.333.i = getelementptr i8, ptr %.326.i, i64 4
  %.334.i = load float, ptr %.333.i, align 4
  %.336.i = fmul float %.42.i, %.334.i
  %.340.i = getelementptr i8, ptr %.326.i, i64 8
  %.341.i = load float, ptr %.340.i, align 4
  %.343.i = fmul float %.42.i, %.341.i
  %.346.i = load float, ptr %2, align 4
  %.347.i = fmul float %.329.i, %.346.i
  %.350.i = load float, ptr %.349.i, align 4
  %.351.i = fmul float %.336.i, %.350.i
  %.352.i = fadd float %.347.i, %.351.i
  %.355.i = load float, ptr %.354.i, align 4
  %.356.i = fmul float %.343.i, %.355.i
  %.357.i = fadd float %.352.i, %.356.i
  %.363.i = load float, ptr %.362.i, align 4
  %.364.i = fmul float %.329.i, %.363.i
  %.367.i = load float, ptr %.366.i, align 4
  %.368.i = fmul float %.336.i, %.367.i
  %.369.i = fadd float %.364.i, %.368.i
  %.372.i = load float, ptr %.371.i, align 4
  %.373.i = fmul float %.343.i, %.372.i
  %.374.i = fadd float %.369.i, %.373.i
  %.380.i = load float, ptr %.379.i, align 4
  %.381.i = fmul float %.329.i, %.380.i
  %.384.i = load float, ptr %.383.i, align 4
  %.385.i = fmul float %.336.i, %.384.i
  %.386.i = fadd float %.381.i, %.385.i
  %.389.i = load float, ptr %.388.i, align 4
  %.390.i = fmul float %.343.i, %.389.i
  %.391.i = fadd float %.386.i, %.390.i
  %.393.i = fadd float %3, %.391.i
  %.400.i = fcmp oge float %.393.i, 0.000000e+00
  %.403.i = tail call float @llvm.fabs.f32(float %.357.i)
  %.405.i = fcmp olt float %.403.i, %.51.i
  %or.cond.i = select i1 %.400.i, i1 %.405.i, i1 false
  %.408.i = tail call float @llvm.fabs.f32(float %.374.i)
  %.410.i = fcmp olt float %.408.i, %.51.i
  %or.cond294.i = select i1 %or.cond.i, i1 %.410.i, i1 false
  br i1 %or.cond294.i, label %B716.i, label %B1935.i

B1078.if.i:
  %.690.0318.i = phi i64 [ %.700.i, %B1078.if.lr.ph.i ], [ %.752.i, %B1078.loopexit.i ]
  %.687.0317.i = phi i64 [ %.13.i300.i, %B1078.if.lr.ph.i ], [ %.756.i, %B1078.loopexit.i ]
  %.752.i = add nsw i64 %.690.0318.i, -1
  %.756.i = add i64 %.687.0317.i, 1
  %.786.i = getelementptr float, ptr %4, i64 %.687.0317.i
  %.787.i = load float, ptr %.786.i, align 4
  %.789.i = fsub float %.374.i, %.787.i
  %.790.i = fmul float %.789.i, %.789.i
  br i1 %.876313.not.i, label %B1078.loopexit.i, label %B1152.if.lr.ph.i

B1152.if.lr.ph.i:
  %.931.i = mul nsw i64 %.687.0317.i, %5
  %12 = getelementptr float, ptr %7, i64 %.931.i
  br label %B1152.if.i

B1152.if.i:
  %.823.0315.i = phi i64 [ %spec.select309.i, %B1152.if.lr.ph.i ], [ %.885.i, %B1260.i ]
  %.820.0314.i = phi i64 [ %.13.i.i, %B1152.if.lr.ph.i ], [ %.889.i, %B1260.i ]
  %.885.i = add nsw i64 %.823.0315.i, -1
  %.889.i = add i64 %.820.0314.i, 1
  %.919.i = getelementptr float, ptr %4, i64 %.820.0314.i
  %.920.i = load float, ptr %.919.i, align 4
  %.922.i = fsub float %.357.i, %.920.i
  %.923.i = fmul float %.922.i, %.922.i
  %.925.i = fadd float %.790.i, %.923.i
  %.927.i = fcmp olt float %.925.i, %.46.i
  br i1 %.927.i, label %B1202.i, label %B1260.i

B1426.if.i:
  %farthest.2.0327.i = phi i32 [ %.13.i305.i, %B1426.if.i ], [ 0, %B1426.preheader.i ]
  %background.2.0326.i = phi i64 [ %.1294.i, %B1426.if.i ], [ 0, %B1426.preheader.i ]
  %nearest_less_one.2.0325.i = phi i32 [ %.13.i304.i, %B1426.if.i ], [ -1, %B1426.preheader.i ]
  %.1050.0323.i = phi i64 [ %.1119.i, %B1426.if.i ], [ 0, %B1426.preheader.i ]
  %.1119.i = add nsw i64 %.1050.0323.i, 1
  %.1145.i = getelementptr i32, ptr %8, i64 %.1050.0323.i
  %.1146.i = load i32, ptr %.1145.i, align 4
  %.1151.i = icmp eq i32 %.1146.i, 2139081118
  %.1159.i = add i32 %.1146.i, -1
  %.13.i304.i = tail call i32 @llvm.umin.i32(i32 %.1159.i, i32 %nearest_less_one.2.0325.i)
  %"$phi1566.4.2.1.i" = select i1 %.1151.i, i32 0, i32 %.1146.i
  %.13.i305.i = tail call i32 @llvm.umax.i32(i32 %"$phi1566.4.2.1.i", i32 %farthest.2.0327.i)
  %.1266.i = icmp eq i32 %.1146.i, 0
  %or.cond295.i = or i1 %.1151.i, %.1266.i
  %or.cond295.fr.i = freeze i1 %or.cond295.i
  %"$phi1606.2.2.1.i" = zext i1 %or.cond295.fr.i to i64
  %.1294.i = add i64 %background.2.0326.i, %"$phi1606.2.2.1.i"
  %exitcond334.not.i = icmp eq i64 %.1119.i, %.71.i
  br i1 %exitcond334.not.i, label %B1614.loopexit.i, label %B1426.if.i

B1764.if.i:
  %.1419.0331.i = phi i64 [ %.1488.i, %B1764.if.i ], [ 0, %B1614.loopexit.i ]
  %.1488.i = add nsw i64 %.1419.0331.i, 1
  %.1518.i = getelementptr float, ptr %7, i64 %.1419.0331.i
  %.1519.i = load float, ptr %.1518.i, align 4
  %.1525.i = fsub float %.1519.i, %11
  %.1530.i = fdiv float %.1525.i, %.1342.i
  %.1532.i = fmul float %.1530.i, 2.000000e+02
  %.1537.i = fdiv float %.1532.i, 2.550000e+02
  %.1542.i = fcmp oeq float %.1519.i, 0x47EFF933C0000000
  %.1547.i = fcmp oeq float %.1519.i, 0.000000e+00
  %or.cond296.i = or i1 %.1542.i, %.1547.i
  %"$phi1924.1.2.1.i" = select i1 %or.cond296.i, float 1.000000e+00, float %.1537.i
  store float %"$phi1924.1.2.1.i", ptr %.1518.i, align 4
  %exitcond335.not.i = icmp eq i64 %.1488.i, %.71.i
  br i1 %exitcond335.not.i, label %exit, label %B1764.if.i

exit:
  ret void
}

declare float @llvm.fabs.f32(float)

define void @by_cell(ptr readonly %0, i64 %1, ptr %2, ptr %3, ptr %4, ptr writeonly %5) {
entry:
  %.200.i = add i64 %1, -1
  %spec.select.i = tail call i64 @llvm.smax.i64(i64 %.200.i, i64 0)
  %.243285.not.i = icmp slt i64 %.200.i, 1
  br label %B74.if.i

B288.i:
  %.368.i = phi float [ %.151.i, %B74.if.i ], [ %.13.i280.i, %B150.if.i ]
  %high.2.1.lcssa.i = phi float [ %.151.i, %B74.if.i ], [ %.13.i282.i, %B150.if.i ]
  %.372.i = fsub float %high.2.1.lcssa.i, %.368.i
  %.12.i.i = fcmp ogt float %.372.i, %extent.2.0292.i
  %.13.i.i = select i1 %.12.i.i, float %.372.i, float %extent.2.0292.i
  %exitcond307.not.i = icmp eq i64 %.120.i, 3
  br i1 %exitcond307.not.i, label %B340.i, label %B74.if.i

B340.i:
  %.414.i = fcmp ogt float %.13.i.i, 0.000000e+00
  %.421.i = fdiv float 1.600000e+01, %.13.i.i
  %"$phi446.0.2.0.i" = select i1 %.414.i, float %.421.i, float 0.000000e+00
  %.520299.not.i = icmp slt i64 %1, 1
  br i1 %.520299.not.i, label %B826.preheader.i, label %B478.if.i

B826.preheader.i:
  %load_initial = load i64, ptr %4, align 8
  br label %B826.if.i

B516.loopexit.i:
  %.656.i = add nsw i64 %.587.0296.i, 1
  %exitcond309.not.i = icmp eq i64 %.656.i, 3
  br i1 %exitcond309.not.i, label %B730.i, label %B516.if.i

B730.i:
  %.533.i = add nsw i64 %.464.0300.i, 1
  %.910.i = getelementptr i64, ptr %3, i64 %.464.0300.i
  store i64 %.885.i, ptr %.910.i, align 8
  %6 = getelementptr i64, ptr %4, i64 %.885.i
  %.919.i = getelementptr i8, ptr %6, i64 8
  %.920.i = load i64, ptr %.919.i, align 8
  %.921.i = add nsw i64 %.920.i, 1
  store i64 %.921.i, ptr %.919.i, align 8
  %exitcond310.not.i = icmp eq i64 %1, %.533.i
  br i1 %exitcond310.not.i, label %B826.preheader.i, label %B478.if.i

B912.preheader.i:
  br i1 %.520299.not.i, label %exit, label %B912.if.i

B74.if.i:
  %extent.2.0292.i = phi float [ 0.000000e+00, %entry ], [ %.13.i.i, %B288.i ]
  %.49.0291.i = phi i64 [ 0, %entry ], [ %.120.i, %B288.i ]
  %.120.i = add nsw i64 %.49.0291.i, 1
  %.150.i = getelementptr float, ptr %0, i64 %.49.0291.i
  %.151.i = load float, ptr %.150.i, align 4
  %.158.i = getelementptr float, ptr %2, i64 %.49.0291.i
  store float %.151.i, ptr %.158.i, align 4
  br i1 %.243285.not.i, label %B288.i, label %B150.if.i

B150.if.i:
  %.13.i280289.i = phi float [ %.13.i280.i, %B150.if.i ], [ %.151.i, %B74.if.i ]
  %high.2.1288.i = phi float [ %.13.i282.i, %B150.if.i ], [ %.151.i, %B74.if.i ]
  %.187.0287.i = phi i64 [ %.256.i, %B150.if.i ], [ 1, %B74.if.i ]
  %.256.i = add i64 %.187.0287.i, 1
  %.idx284.i = mul i64 %.187.0287.i, 12
  %gep.i = getelementptr i8, ptr %.150.i, i64 %.idx284.i
  %.290.i = load float, ptr %gep.i, align 4
  %.12.i279.i = fcmp olt float %.290.i, %.13.i280289.i
  %.13.i280.i = select i1 %.12.i279.i, float %.290.i, float %.13.i280289.i
  %.12.i281.i = fcmp ogt float %.290.i, %high.2.1288.i
  %.13.i282.i = select i1 %.12.i281.i, float %.290.i, float %high.2.1288.i
  store float %.13.i280.i, ptr %.158.i, align 4
  %exitcond.not.i = icmp eq i64 %.187.0287.i, %spec.select.i
  br i1 %exitcond.not.i, label %B288.i, label %B150.if.i

B478.if.i:
  %.464.0300.i = phi i64 [ %.533.i, %B730.i ], [ 0, %B340.i ]
  %.idx.i = mul i64 %.464.0300.i, 12
  %7 = getelementptr i8, ptr %0, i64 %.idx.i
  br label %B516.if.i

B516.if.i:
  %code.4.1298.i = phi i64 [ 0, %B478.if.i ], [ %.885.i, %B516.loopexit.i ]
  %.587.0296.i = phi i64 [ 0, %B478.if.i ], [ %.656.i, %B516.loopexit.i ]
  %.695.i = getelementptr float, ptr %7, i64 %.587.0296.i
  %.696.i = load float, ptr %.695.i, align 4
  %.699.i = getelementptr float, ptr %2, i64 %.587.0296.i
  %.700.i = load float, ptr %.699.i, align 4
  %.701.i = fsub float %.696.i, %.700.i
  %.703.i = fmul float %"$phi446.0.2.0.i", %.701.i
  %.5.i.i = fptosi float %.703.i to i64
  %.13.i283.i = tail call i64 @llvm.smin.i64(i64 %.5.i.i, i64 15)
  br label %B682.if.i

B682.if.i:
  %code.3.2295.i = phi i64 [ %code.4.1298.i, %B516.if.i ], [ %.885.i, %B682.if.i ]
  %.783.0293.i = phi i64 [ 0, %B516.if.i ], [ %.852.i, %B682.if.i ]
  %.852.i = add nsw i64 %.783.0293.i, 1
  %.878277.i = lshr i64 %.13.i283.i, %.783.0293.i
  %.879.i = and i64 %.878277.i, 1
  %.880.i = mul nsw i64 %.783.0293.i, 3
  %.882.i = add nsw i64 %.880.i, %.587.0296.i
  %.883.i = shl i64 %.879.i, %.882.i
  %.885.i = or i64 %.883.i, %code.3.2295.i
  %exitcond308.not.i = icmp eq i64 %.852.i, 4
  br i1 %exitcond308.not.i, label %B516.loopexit.i, label %B682.if.i

B826.if.i:
  %store_forwarded = phi i64 [ %load_initial, %B826.preheader.i ], [ %.1084.i, %B826.if.i ]
  %.983.0302.i = phi i64 [ 0, %B826.preheader.i ], [ %.1052.i, %B826.if.i ]
  %.1052.i = add nsw i64 %.983.0302.i, 1
  %8 = getelementptr i64, ptr %4, i64 %.983.0302.i
  %.1079.i = getelementptr i8, ptr %8, i64 8
  %.1080.i = load i64, ptr %.1079.i, align 8
  %.1084.i = add nsw i64 %store_forwarded, %.1080.i
  store i64 %.1084.i, ptr %.1079.i, align 8
  %exitcond311.not.i = icmp eq i64 %.1052.i, 4096
  br i1 %exitcond311.not.i, label %B912.preheader.i, label %B826.if.i

B912.if.i:
  %.1119.0305.i = phi i64 [ %.1188.i, %B912.if.i ], [ 0, %B912.preheader.i ]
  %.1188.i = add nsw i64 %.1119.0305.i, 1
  %.1214.i = getelementptr i64, ptr %3, i64 %.1119.0305.i
  %.1215.i = load i64, ptr %.1214.i, align 8
  %.1217.i = getelementptr i64, ptr %4, i64 %.1215.i
  %.1218.i = load i64, ptr %.1217.i, align 8
  %.1220.i = getelementptr i64, ptr %5, i64 %.1218.i
  store i64 %.1119.0305.i, ptr %.1220.i, align 8
  %.1224.i = load i64, ptr %.1214.i, align 8
  %.1226.i = getelementptr i64, ptr %4, i64 %.1224.i
  %.1227.i = load i64, ptr %.1226.i, align 8
  %.1228.i = add nsw i64 %.1227.i, 1
  store i64 %.1228.i, ptr %.1226.i, align 8
  %exitcond312.not.i = icmp eq i64 %1, %.1188.i
  br i1 %exitcond312.not.i, label %exit, label %B912.if.i

exit:
  ret void
}

define void @farthest(ptr readonly %0, i64 %1, i64 %2, i64 %3, ptr writeonly %4, ptr readonly %5, ptr %6, ptr readonly %7, ptr %8, ptr %9, ptr %10) {
entry:
  %.43.i = add nsw i64 %1, 31
  %.51.0.i = ashr i64 %.43.i, 5
  %.169533.not.i = icmp slt i64 %1, 1
  br i1 %.169533.not.i, label %B246.i, label %B136.if.i

B234.i:
  %.182.i = add nsw i64 %.111.0535.i, 1
  %.351.i = getelementptr float, ptr %6, i64 %.111.0535.i
  store float 0x7FF0000000000000, ptr %.351.i, align 4
  %exitcond574.not.i = icmp eq i64 %1, %.182.i
  br i1 %exitcond574.not.i, label %B246.i, label %B136.if.i

B246.i:
  %.440544.not.i = icmp slt i64 %.51.0.i, 1
  br i1 %.440544.not.i, label %B634.i, label %B276.if.i

B540.i:
  %high.2.2.lcssa.i = phi float [ 0xFFF0000000000000, %B310.if.i ], [ %.13.i507.i, %B422.if.i ]
  %low.2.2.lcssa.i = phi float [ 0x7FF0000000000000, %B310.if.i ], [ %.13.i505.i, %B422.if.i ]
  %.848.i = getelementptr float, ptr %14, i64 %.504.0543.i
  store float %low.2.2.lcssa.i, ptr %.848.i, align 4
  %.861.i = getelementptr float, ptr %15, i64 %.504.0543.i
  store float %high.2.2.lcssa.i, ptr %.861.i, align 4
  %exitcond575.not.i = icmp eq i64 %.573.i, 3
  br i1 %exitcond575.not.i, label %B594.i, label %B310.if.i

B594.i:
  %.453.i = add nsw i64 %.384.0546.i, 1
  %.873.idx.i = shl i64 %.384.0546.i, 7
  %.873.i = getelementptr i8, ptr %7, i64 %.873.idx.i
  %.874.i = load i32, ptr %.873.i, align 4
  %.877.i = getelementptr i32, ptr %10, i64 %.384.0546.i
  store i32 %.874.i, ptr %.877.i, align 4
  %exitcond576.not.i = icmp eq i64 %.51.0.i, %.453.i
  br i1 %exitcond576.not.i, label %B634.i, label %B276.if.i

B634.i:
  %.981570.not.i = icmp slt i64 %2, 1
  br i1 %.981570.not.i, label %exit, label %B710.if.lr.ph.i

B710.if.lr.ph.i:
  %11 = getelementptr float, ptr %8, i64 %1
  %.idx.i = shl i64 %1, 3
  %12 = getelementptr i8, ptr %8, i64 %.idx.i
  br label %B710.if.i

B708.loopexit.i:
  %index.4.1.lcssa.i = phi i64 [ %1, %B710.if.i ], [ %index.5.3.i, %B2062.i ]
  %exitcond579.not.i = icmp eq i64 %.994.i, %2
  br i1 %exitcond579.not.i, label %exit, label %B710.if.i

B1458.i:
  %.1399.i = add nsw i64 %.1396.i, 32
  %.13.i520.i = tail call i64 @llvm.smin.i64(i64 %.1399.i, i64 %1)
  %.1513.i = sub i64 %.13.i520.i, %.1396.i
  %storemerge498.i = tail call i64 @llvm.smax.i64(i64 %.1513.i, i64 0)
  %.1556547.not.i = icmp slt i64 %.1513.i, 1
  br i1 %.1556547.not.i, label %B1782.i, label %B1490.if.i

B1782.i:
  %here.3.2.lcssa.i = phi i32 [ 0, %B1458.i ], [ %.13.i523.i, %B1732.if.i ]
  store i32 %here.3.2.lcssa.i, ptr %.1437.i, align 4
  br label %B1792.i

B1792.i:
  %here.4.2.i = phi i32 [ %here.3.2.lcssa.i, %B1782.i ], [ %.1438.i, %B874.if.i ]
  %.13.i.i = tail call i32 @llvm.umax.i32(i32 %here.4.2.i, i32 %top.2.1558.i)
  %exitcond577.not.i = icmp eq i64 %.51.0.i, %.1149.i
  br i1 %exitcond577.not.i, label %B1862.if.i, label %B874.if.i

B1890.i:
  %.2035.i = shl i64 %.1916.0566.i, 5
  %.2038.i = add nsw i64 %.2035.i, 32
  %.13.i502.i = tail call i64 @llvm.smin.i64(i64 %.2038.i, i64 %1)
  %.2104.i = sub i64 %.13.i502.i, %.2035.i
  %.2150560.not.i = icmp slt i64 %.2104.i, 1
  br i1 %.2150560.not.i, label %B2062.i, label %B1988.if.i

B2016.i:
  %.2206.i = getelementptr i64, ptr %5, i64 %.2091.0561.i
  %.2207.i = load i64, ptr %.2206.i, align 8
  %.13.i503.i = tail call i64 @llvm.smin.i64(i64 %.2207.i, i64 %index.6.2563.i)
  br label %B2060.i

B2060.i:
  %index.7.3.i = phi i64 [ %.13.i503.i, %B2016.i ], [ %index.6.2563.i, %B1988.if.i ]
  %.2150.i = icmp ugt i64 %.2094.0562.i, 1
  br i1 %.2150.i, label %B1988.if.i, label %B2062.i

B2062.i:
  %index.5.3.i = phi i64 [ %index.4.1568.i, %B1862.if.i ], [ %index.4.1568.i, %B1890.i ], [ %index.7.3.i, %B2060.i ]
  %exitcond578.not.i = icmp eq i64 %.51.0.i, %.1985.i
  br i1 %exitcond578.not.i, label %B708.loopexit.i, label %B1862.if.i

B136.if.i:
  %.111.0535.i = phi i64 [ %.182.i, %B234.i ], [ 0, %entry ]
  %.329.i = getelementptr i64, ptr %5, i64 %.111.0535.i
  %invariant.gep.i = getelementptr float, ptr %8, i64 %.111.0535.i
  br label %B170.if.i

B170.if.i:
  %.233.0532.i = phi i64 [ 0, %B136.if.i ], [ %.302.i, %B170.if.i ]
  %.302.i = add nsw i64 %.233.0532.i, 1
  %.330.i = load i64, ptr %.329.i, align 8
  %.idx501.i = mul i64 %.330.i, 12
  %13 = getelementptr i8, ptr %0, i64 %.idx501.i
  %.334.i = getelementptr float, ptr %13, i64 %.233.0532.i
  %.335.i = load float, ptr %.334.i, align 4
  %.337.i = mul nsw i64 %.233.0532.i, %1
  %gep.i = getelementptr float, ptr %invariant.gep.i, i64 %.337.i
  store float %.335.i, ptr %gep.i, align 4
  %exitcond.not.i = icmp eq i64 %.302.i, 3
  br i1 %exitcond.not.i, label %B234.i, label %B170.if.i

B276.if.i:
  %.384.0546.i = phi i64 [ %.453.i, %B594.i ], [ 0, %B246.i ]
  %.613.i = shl i64 %.384.0546.i, 5
  %.614.i = add nsw i64 %.613.i, 32
  %.13.i504.i = tail call i64 @llvm.smin.i64(i64 %.614.i, i64 %1)
  %.680.i = sub i64 %.13.i504.i, %.613.i
  %spec.select529.i = tail call i64 @llvm.smax.i64(i64 %.680.i, i64 0)
  %.723536.not.i = icmp slt i64 %.680.i, 1
  %.idx530.i = mul nsw i64 %.384.0546.i, 24
  %14 = getelementptr i8, ptr %9, i64 %.idx530.i
  %15 = getelementptr i8, ptr %14, i64 12
  br label %B310.if.i

B310.if.i:
  %.504.0543.i = phi i64 [ 0, %B276.if.i ], [ %.573.i, %B540.i ]
  %.573.i = add nsw i64 %.504.0543.i, 1
  br i1 %.723536.not.i, label %B540.i, label %B422.if.lr.ph.i

B422.if.lr.ph.i:
  %.763.i = mul nsw i64 %.504.0543.i, %1
  %16 = getelementptr float, ptr %8, i64 %.763.i
  br label %B422.if.i

B422.if.i:
  %low.2.2540.i = phi float [ 0x7FF0000000000000, %B422.if.lr.ph.i ], [ %.13.i505.i, %B422.if.i ]
  %high.2.2539.i = phi float [ 0xFFF0000000000000, %B422.if.lr.ph.i ], [ %.13.i507.i, %B422.if.i ]
  %.667.0538.i = phi i64 [ %.613.i, %B422.if.lr.ph.i ], [ %.736.i, %B422.if.i ]
  %.670.0537.i = phi i64 [ %spec.select529.i, %B422.if.lr.ph.i ], [ %.732.i, %B422.if.i ]
  %.732.i = add nsw i64 %.670.0537.i, -1
  %.736.i = add i64 %.667.0538.i, 1
  %.766.i = getelementptr float, ptr %16, i64 %.667.0538.i
  %.767.i = load float, ptr %.766.i, align 4
  %.12.i.i = fcmp olt float %.767.i, %low.2.2540.i
  %.13.i505.i = select i1 %.12.i.i, float %.767.i, float %low.2.2540.i
  %.12.i506.i = fcmp ogt float %.767.i, %high.2.2539.i
  %.13.i507.i = select i1 %.12.i506.i, float %.767.i, float %high.2.2539.i
  %.723.i = icmp sgt i64 %.670.0537.i, 1
  br i1 %.723.i, label %B422.if.i, label %B540.i

B710.if.i:
  %index.3.0573.i = phi i64 [ %3, %B710.if.lr.ph.i ], [ %index.4.1.lcssa.i, %B708.loopexit.i ]
  %.924.0571.i = phi i64 [ 0, %B710.if.lr.ph.i ], [ %.994.i, %B708.loopexit.i ]
  %.994.i = add nsw i64 %.924.0571.i, 1
  %.1021.i = getelementptr i64, ptr %4, i64 %.924.0571.i
  store i64 %index.3.0573.i, ptr %.1021.i, align 8
  %.1026.idx.i = mul i64 %index.3.0573.i, 12
  %.1026.i = getelementptr i8, ptr %0, i64 %.1026.idx.i
  %.1027.i = load float, ptr %.1026.i, align 4
  %.1032.i = getelementptr i8, ptr %.1026.i, i64 4
  %.1033.i = load float, ptr %.1032.i, align 4
  %.1040.i = getelementptr i8, ptr %.1026.i, i64 8
  %.1041.i = load float, ptr %.1040.i, align 4
  br i1 %.440544.not.i, label %B708.loopexit.i, label %B874.if.i

B874.if.i:
  %top.2.1558.i = phi i32 [ %.13.i.i, %B1792.i ], [ 0, %B710.if.i ]
  %.1079.0556.i = phi i64 [ %.1149.i, %B1792.i ], [ 0, %B710.if.i ]
  %.1149.i = add nsw i64 %.1079.0556.i, 1
  %.1180.idx.i = mul nsw i64 %.1079.0556.i, 24
  %.1180.i = getelementptr i8, ptr %9, i64 %.1180.idx.i
  %.1181.i = load float, ptr %.1180.i, align 4
  %.1183.i = fsub float %.1181.i, %.1027.i
  %.1188.i = getelementptr i8, ptr %.1180.i, i64 12
  %.1189.i = load float, ptr %.1188.i, align 4
  %.1191.i = fsub float %.1027.i, %.1189.i
  %.12.i508.i = fcmp ogt float %.1191.i, %.1183.i
  %.13.i509.i = select i1 %.12.i508.i, float %.1191.i, float %.1183.i
  %.12.i510.i = fcmp olt float %.13.i509.i, 0.000000e+00
  %.13.i511.i = select i1 %.12.i510.i, float 0.000000e+00, float %.13.i509.i
  %.1253.i = getelementptr i8, ptr %.1180.i, i64 4
  %.1254.i = load float, ptr %.1253.i, align 4
  %.1256.i = fsub float %.1254.i, %.1033.i
  %.1261.i = getelementptr i8, ptr %.1180.i, i64 16
  %.1262.i = load float, ptr %.1261.i, align 4
  %.1264.i = fsub float %.1033.i, %.1262.i
  %.12.i512.i = fcmp ogt float %.1264.i, %.1256.i
  %.13.i513.i = select i1 %.12.i512.i, float %.1264.i, float %.1256.i
  %.12.i514.i = fcmp olt float %.13.i513.i, 0.000000e+00
  %.13.i515.i = select i1 %.12.i514.i, float 0.000000e+00, float %.13.i513.i
  %.1326.i = getelementptr i8, ptr %.1180.i, i64 8
  %.1327.i = load float, ptr %.1326.i, align 4
  %.1329.i = fsub float %.1327.i, %.1041.i
  %.1334.i = getelementptr i8, ptr %.1180.i, i64 20
  %.1335.i = load float, ptr %.1334.i, align 4
  %.1337.i = fsub float %.1041.i, %.1335.i
  %.12.i516.i = fcmp ogt float %.1337.i, %.1329.i
  %.13.i517.i = select i1 %.12.i516.i, float %.1337.i, float %.1329.i
  %.12.i518.i = fcmp olt float %.13.i517.i, 0.000000e+00
  %.13.i519.i = select i1 %.12.i518.i, float 0.000000e+00, float %.13.i517.i
  %.1396.i = shl i64 %.1079.0556.i, 5
  %.1437.i = getelementptr i32, ptr %10, i64 %.1079.0556.i
  %.1438.i = load i32, ptr %.1437.i, align 4
  %.1442.i = fmul float %.13.i511.i, %.13.i511.i
  %.1443.i = fmul float %.13.i515.i, %.13.i515.i
  %.1444.i = fadd float %.1442.i, %.1443.i
  %.1445.i = fmul float %.13.i519.i, %.13.i519.i
  %.1446.i = fadd float %.1444.i, %.1445.i
  %17 = bitcast float %.1446.i to i32
  %.1471.i = icmp ugt i32 %.1438.i, %17
  br i1 %.1471.i, label %B1458.i, label %B1792.i

B1490.if.i:
  %.1503.0549.i = phi i64 [ %.1565.i, %B1490.if.i ], [ %storemerge498.i, %B1458.i ]
  %.1500.0548.i = phi i64 [ %.1569.i, %B1490.if.i ], [ %.1396.i, %B1458.i ]
  %.1565.i = add nsw i64 %.1503.0549.i, -1
  %.1569.i = add i64 %.1500.0548.i, 1
  %.1595.i = getelementptr float, ptr %8, i64 %.1500.0548.i
  %.1596.i = load float, ptr %.1595.i, align 4
  %.1598.i = fsub float %.1596.i, %.1027.i
  %.1602.i = getelementptr float, ptr %11, i64 %.1500.0548.i
  %.1603.i = load float, ptr %.1602.i, align 4
  %.1605.i = fsub float %.1603.i, %.1033.i
  %.1610.i = getelementptr float, ptr %12, i64 %.1500.0548.i
  %.1611.i = load float, ptr %.1610.i, align 4
  %.1613.i = fsub float %.1611.i, %.1041.i
  %.1615.i = getelementptr float, ptr %6, i64 %.1500.0548.i
  %.1616.i = load float, ptr %.1615.i, align 4
  %.1617.i = fmul float %.1598.i, %.1598.i
  %.1618.i = fmul float %.1605.i, %.1605.i
  %.1619.i = fadd float %.1617.i, %.1618.i
  %.1620.i = fmul float %.1613.i, %.1613.i
  %.1621.i = fadd float %.1619.i, %.1620.i
  %.12.i521.i = fcmp olt float %.1621.i, %.1616.i
  %.13.i522.i = select i1 %.12.i521.i, float %.1621.i, float %.1616.i
  store float %.13.i522.i, ptr %.1615.i, align 4
  %.1556.i = icmp ugt i64 %.1503.0549.i, 1
  br i1 %.1556.i, label %B1490.if.i, label %B1732.if.i

B1732.if.i:
  %here.3.2553.i = phi i32 [ %.13.i523.i, %B1732.if.i ], [ 0, %B1490.if.i ]
  %.1694.0552.i = phi i64 [ %.1756.i, %B1732.if.i ], [ %storemerge498.i, %B1490.if.i ]
  %.1691.0551.i = phi i64 [ %.1760.i, %B1732.if.i ], [ %.1396.i, %B1490.if.i ]
  %.1756.i = add nsw i64 %.1694.0552.i, -1
  %.1760.i = add i64 %.1691.0551.i, 1
  %.1786.i = getelementptr i32, ptr %7, i64 %.1691.0551.i
  %.1787.i = load i32, ptr %.1786.i, align 4
  %.13.i523.i = tail call i32 @llvm.umax.i32(i32 %.1787.i, i32 %here.3.2553.i)
  %.1747.i = icmp ugt i64 %.1694.0552.i, 1
  br i1 %.1747.i, label %B1732.if.i, label %B1782.i

B1862.if.i:
  %index.4.1568.i = phi i64 [ %index.5.3.i, %B2062.i ], [ %1, %B1792.i ]
  %.1916.0566.i = phi i64 [ %.1985.i, %B2062.i ], [ 0, %B1792.i ]
  %.1985.i = add nsw i64 %.1916.0566.i, 1
  %.2019.i = getelementptr i32, ptr %10, i64 %.1916.0566.i
  %.2020.i = load i32, ptr %.2019.i, align 4
  %.2022.i = icmp eq i32 %.2020.i, %.13.i.i
  br i1 %.2022.i, label %B1890.i, label %B2062.i

B1988.if.i:
  %index.6.2563.i = phi i64 [ %index.7.3.i, %B2060.i ], [ %index.4.1568.i, %B1890.i ]
  %.2094.0562.i = phi i64 [ %.2159.i, %B2060.i ], [ %.2104.i, %B1890.i ]
  %.2091.0561.i = phi i64 [ %.2163.i, %B2060.i ], [ %.2035.i, %B1890.i ]
  %.2159.i = add nsw i64 %.2094.0562.i, -1
  %.2163.i = add i64 %.2091.0561.i, 1
  %.2199.i = getelementptr i32, ptr %7, i64 %.2091.0561.i
  %.2200.i = load i32, ptr %.2199.i, align 4
  %.2202.i = icmp eq i32 %.2200.i, %.13.i.i
  br i1 %.2202.i, label %B2016.i, label %B2060.i

exit:
  ret void
}

define void @to_local(ptr readonly %0, i64 %1, ptr writeonly %2) {
entry:
  %.14078.not.i = icmp slt i64 %1, 1
  br i1 %.14078.not.i, label %exit, label %B46.if.i

B46.if.i:
  %.64.079.i = phi i64 [ %.153.i, %B46.if.i ], [ 0, %entry ]
  %.186.idx.i = mul i64 %.64.079.i, 24
  %.186.i = getelementptr i8, ptr %0, i64 %.186.idx.i
  %.187.i = load double, ptr %.186.i, align 8
  %.191.i = getelementptr i8, ptr %.186.i, i64 8
  %.192.i = load double, ptr %.191.i, align 8
  %.196.i = getelementptr i8, ptr %.186.i, i64 16
  %.197.i = load double, ptr %.196.i, align 8
  %.208.i = tail call double @llvm.fabs.f64(double %.187.i)
  %.209.i = fcmp one double %.208.i, 0x7FF0000000000000
  %.212.i = tail call double @llvm.fabs.f64(double %.192.i)
  %.213.i = fcmp one double %.212.i, 0x7FF0000000000000
  %or.cond.not95.i = select i1 %.209.i, i1 %.213.i, i1 false
  %.216.i = tail call double @llvm.fabs.f64(double %.197.i)
  %.217.i = fcmp one double %.216.i, 0x7FF0000000000000
  %or.cond77.not94.i = select i1 %or.cond.not95.i, i1 %.217.i, i1 false
  %.153.i = add nsw i64 %.64.079.i, 1
  %exitcond.not.i = icmp eq i64 %1, %.153.i
  %or.cond93.i = select i1 %or.cond77.not94.i, i1 true, i1 %exitcond.not.i
  br i1 %or.cond93.i, label %B338.if.i, label %B46.if.i

B338.if.i:
  %.283.087.i = phi i64 [ %.352.i, %B338.if.i ], [ 0, %B46.if.i ]
  %.352.i = add nsw i64 %.283.087.i, 1
  %3 = mul nsw i64 %.283.087.i, 3
  %.379.i = getelementptr double, ptr %0, i64 %3
  %.380.i = load double, ptr %.379.i, align 8
  %.382.i = fsub double %.380.i, %.187.i
  %.383.i = fptrunc double %.382.i to float
  %.386.i = getelementptr float, ptr %2, i64 %3
  store float %.383.i, ptr %.386.i, align 4
  %.389.i = add nsw i64 %3, 1
  %.391.i = getelementptr double, ptr %0, i64 %.389.i
  %.392.i = load double, ptr %.391.i, align 8
  %.394.i = fsub double %.392.i, %.192.i
  %.395.i = fptrunc double %.394.i to float
  %.399.i = getelementptr float, ptr %2, i64 %.389.i
  store float %.395.i, ptr %.399.i, align 4
  %.402.i = add nsw i64 %3, 2
  %.404.i = getelementptr double, ptr %0, i64 %.402.i
  %.405.i = load double, ptr %.404.i, align 8
  %.407.i = fsub double %.405.i, %.197.i
  %.408.i = fptrunc double %.407.i to float
  %.412.i = getelementptr float, ptr %2, i64 %.402.i
  store float %.408.i, ptr %.412.i, align 4
  %exitcond89.not.i = icmp eq i64 %1, %.352.i
  br i1 %exitcond89.not.i, label %exit, label %B338.if.i

exit:
  ret void
}

declare double @llvm.fabs.f64(double)

define void @number_cells(ptr readonly %0, i64 %1, ptr %2, i64 %3, ptr %4, ptr %5, ptr %6, ptr writeonly %7) {
entry:
  %notmask.i = shl nsw i64 -1, %3
  %.30.i = xor i64 %notmask.i, -1
  %.119198.not.i = icmp slt i64 %1, 1
  br i1 %.119198.not.i, label %exit, label %B54.if.lr.ph.i

B54.if.lr.ph.i:
  %.170.i = sub nsw i64 63, %3
  br label %B54.if.i

B136.i:
  %.201.i = getelementptr i64, ptr %5, i64 %.184.i
  %.202.i = load i64, ptr %.201.i, align 8
  %.204.not.i = icmp eq i64 %.202.i, %.163.i
  br i1 %.204.not.i, label %B248.i, label %B172.i

B172.i:
  %slot.2.1.i = phi i64 [ %.214.i, %B212.i ], [ %.173.i, %B136.i ]
  %.210.i = add nsw i64 %slot.2.1.i, 1
  %.214.i = and i64 %.210.i, %.30.i
  %.223.i = getelementptr i64, ptr %2, i64 %.214.i
  %.224.i = load i64, ptr %.223.i, align 8
  %.225.i = icmp sgt i64 %.224.i, -1
  br i1 %.225.i, label %B212.i, label %B272.i

B212.i:
  %.240.i = getelementptr i64, ptr %5, i64 %.224.i
  %.241.i = load i64, ptr %.240.i, align 8
  %.243.not.i = icmp eq i64 %.241.i, %.163.i
  br i1 %.243.not.i, label %B248.i, label %B172.i

B248.i:
  %.263.i = phi i64 [ %.184.i, %B136.i ], [ %.224.i, %B212.i ]
  %slot.3.2.i = phi i64 [ %.173.i, %B136.i ], [ %.214.i, %B212.i ]
  %.262.i = getelementptr i64, ptr %2, i64 %slot.3.2.i
  br label %B302.i

B272.i:
  %slot.3.2.ph.i = phi i64 [ %.173.i, %B54.if.i ], [ %.214.i, %B172.i ]
  %.262218.i = getelementptr i64, ptr %2, i64 %slot.3.2.ph.i
  store i64 %count.2.0201.i, ptr %.262218.i, align 8
  %.274.i = getelementptr i64, ptr %5, i64 %count.2.0201.i
  store i64 %.163.i, ptr %.274.i, align 8
  %.279.i = add i64 %count.2.0201.i, 1
  %.295.pre.i = load i64, ptr %.262218.i, align 8
  br label %B302.i

B302.i:
  %.262221.i = phi ptr [ %.262218.i, %B272.i ], [ %.262.i, %B248.i ]
  %.295.i = phi i64 [ %.295.pre.i, %B272.i ], [ %.263.i, %B248.i ]
  %count.3.1.i = phi i64 [ %.279.i, %B272.i ], [ %count.2.0201.i, %B248.i ]
  %.298.i = getelementptr i64, ptr %4, i64 %.61.0199.i
  store i64 %.295.i, ptr %.298.i, align 8
  %.305.i = load i64, ptr %.262221.i, align 8
  %8 = getelementptr i64, ptr %6, i64 %.305.i
  %.310.i = getelementptr i8, ptr %8, i64 8
  %.311.i = load i64, ptr %.310.i, align 8
  %.312.i = add nsw i64 %.311.i, 1
  store i64 %.312.i, ptr %.310.i, align 8
  %exitcond.not.i = icmp eq i64 %1, %.132.i
  br i1 %exitcond.not.i, label %B376.i, label %B54.if.i

B376.i:
  %.411202.not.i = icmp slt i64 %count.3.1.i, 1
  br i1 %.411202.not.i, label %B492.if.i.preheader, label %B406.if.i.preheader

B406.if.i.preheader:
  %load_initial = load i64, ptr %6, align 8
  br label %B406.if.i

B576.i:
  %.691208.i = icmp sgt i64 %count.3.1.i, 0
  br i1 %.691208.i, label %B610.if.i.preheader, label %exit

B610.if.i.preheader:
  %scevgep = getelementptr i8, ptr %6, i64 8
  %9 = shl i64 %count.3.1.i, 3
  tail call void @llvm.memmove.p0.p0.i64(ptr align 8 %scevgep, ptr nonnull align 8 %6, i64 %9, i1 false)
  br label %exit

B54.if.i:
  %count.2.0201.i = phi i64 [ 0, %B54.if.lr.ph.i ], [ %count.3.1.i, %B302.i ]
  %.61.0199.i = phi i64 [ 0, %B54.if.lr.ph.i ], [ %.132.i, %B302.i ]
  %.132.i = add nsw i64 %.61.0199.i, 1
  %.162.i = getelementptr i64, ptr %0, i64 %.61.0199.i
  %.163.i = load i64, ptr %.162.i, align 8
  %.168.i = mul nsw i64 %.163.i, 2177342782468422677
  %.171.i = ashr i64 %.168.i, %.170.i
  %.173.i = and i64 %.171.i, %.30.i
  %.183.i = getelementptr i64, ptr %2, i64 %.173.i
  %.184.i = load i64, ptr %.183.i, align 8
  %.185.i = icmp sgt i64 %.184.i, -1
  br i1 %.185.i, label %B136.i, label %B272.i

B406.if.i:
  %store_forwarded = phi i64 [ %load_initial, %B406.if.i.preheader ], [ %.456.i, %B406.if.i ]
  %.355.0203.i = phi i64 [ 0, %B406.if.i.preheader ], [ %.424.i, %B406.if.i ]
  %.424.i = add nsw i64 %.355.0203.i, 1
  %10 = getelementptr i64, ptr %6, i64 %.355.0203.i
  %.451.i = getelementptr i8, ptr %10, i64 8
  %.452.i = load i64, ptr %.451.i, align 8
  %.456.i = add nsw i64 %store_forwarded, %.452.i
  store i64 %.456.i, ptr %.451.i, align 8
  %exitcond211.not.i = icmp eq i64 %count.3.1.i, %.424.i
  br i1 %exitcond211.not.i, label %B492.if.i.preheader, label %B406.if.i

B492.if.i.preheader:
  br label %B492.if.i

B492.if.i:
  %.489.0206.i = phi i64 [ %.558.i, %B492.if.i ], [ 0, %B492.if.i.preheader ]
  %.558.i = add nsw i64 %.489.0206.i, 1
  %.584.i = getelementptr i64, ptr %4, i64 %.489.0206.i
  %.585.i = load i64, ptr %.584.i, align 8
  %.587.i = getelementptr i64, ptr %6, i64 %.585.i
  %.588.i = load i64, ptr %.587.i, align 8
  %.590.i = getelementptr i64, ptr %7, i64 %.588.i
  store i64 %.489.0206.i, ptr %.590.i, align 8
  %.594.i = load i64, ptr %.584.i, align 8
  %.596.i = getelementptr i64, ptr %6, i64 %.594.i
  %.597.i = load i64, ptr %.596.i, align 8
  %.598.i = add nsw i64 %.597.i, 1
  store i64 %.598.i, ptr %.596.i, align 8
  %exitcond212.not.i = icmp eq i64 %1, %.558.i
  br i1 %exitcond212.not.i, label %B576.i, label %B492.if.i

exit:
  %count.2.0.lcssa224226230233.i = phi i64 [ %count.3.1.i, %B576.i ], [ 0, %entry ], [ %count.3.1.i, %B610.if.i.preheader ]
  store i64 0, ptr %6, align 8
  %11 = getelementptr i64, ptr %6, i64 %1
  %.750.i = getelementptr i8, ptr %11, i64 8
  store i64 %count.2.0.lcssa224226230233.i, ptr %.750.i, align 8
  ret void
}

define void @nearest_voxels(ptr readonly %0, ptr readonly %1, ptr readonly %2, ptr readonly %3, i64 %4, ptr readonly %5, i64 %6, i64 %7, i64 %8, ptr %9, ptr %10, ptr writeonly %11) {
entry:
  %notmask.i = shl nsw i64 -1, %6
  %.38.i = xor i64 %notmask.i, -1
  %.47.i = getelementptr i64, ptr %2, i64 %4
  %.48.i = load i64, ptr %.47.i, align 8
  %.134471.not.i = icmp slt i64 %4, 1
  br i1 %.134471.not.i, label %exit, label %B78.if.lr.ph.i

B78.if.lr.ph.i:
  %.42.i = mul nsw i64 %7, %7
  %.566.i = sub nsw i64 63, %6
  %.1248462.not.i = icmp slt i64 %8, 1
  %.1287.i = add nsw i64 %.42.i, 1
  %12 = getelementptr i64, ptr %10, i64 %.48.i
  %.idx.i = shl i64 %.48.i, 4
  %13 = getelementptr i8, ptr %10, i64 %.idx.i
  %.1443.i = add nsw i64 %8, -1
  %.1445.i = getelementptr i64, ptr %9, i64 %.1443.i
  %.1463.i = icmp sgt i64 %8, 1
  %14 = getelementptr i64, ptr %9, i64 %8
  %.1477.i = getelementptr i8, ptr %14, i64 -16
  %.1560.i = getelementptr i8, ptr %14, i64 -8
  br label %B78.if.i

B76.loopexit.i:
  %exitcond479.not.i = icmp eq i64 %.147.i, %4
  br i1 %exitcond479.not.i, label %exit, label %B78.if.i

B118.loopexit.i:
  %.271.i = add nsw i64 %.201.0459.i, 1
  %exitcond476.not.i = icmp eq i64 %.271.i, 2
  br i1 %exitcond476.not.i, label %B670.i, label %B120.if.i

B156.loopexit.i:
  %.397.i = add nsw i64 %.328.0456.i, 1
  %exitcond475.not.i = icmp eq i64 %.397.i, 2
  br i1 %exitcond475.not.i, label %B118.loopexit.i, label %B156.if.i

B330.i:
  %.597.i = getelementptr i64, ptr %3, i64 %.580.i
  %.598.i = load i64, ptr %.597.i, align 8
  %.600.not.i = icmp eq i64 %.598.i, %.559.i
  br i1 %.600.not.i, label %B466.i, label %B366.i

B366.i:
  %slot.2.4.i = phi i64 [ %.610.i, %B406.i ], [ %.569.i, %B330.i ]
  %.606.i = add nsw i64 %slot.2.4.i, 1
  %.610.i = and i64 %.606.i, %.38.i
  %.619.i = getelementptr i64, ptr %5, i64 %.610.i
  %.620.i = load i64, ptr %.619.i, align 8
  %.621.i = icmp sgt i64 %.620.i, -1
  br i1 %.621.i, label %B406.i, label %B662.i

B406.i:
  %.636.i = getelementptr i64, ptr %3, i64 %.620.i
  %.637.i = load i64, ptr %.636.i, align 8
  %.639.not.i = icmp eq i64 %.637.i, %.559.i
  br i1 %.639.not.i, label %B466.i, label %B366.i

B466.i:
  %.661.ph.i = phi i64 [ %.580.i, %B330.i ], [ %.620.i, %B406.i ]
  %.677.i = getelementptr i64, ptr %2, i64 %.661.ph.i
  %.678.i = load i64, ptr %.677.i, align 8
  %.687.i = getelementptr i8, ptr %.677.i, i64 8
  %.688.i = load i64, ptr %.687.i, align 8
  %.725.i = sub i64 %.688.i, %.678.i
  %.771449.not.i = icmp slt i64 %.725.i, 1
  br i1 %.771449.not.i, label %B662.i, label %B552.if.i

B650.i:
  %.780.i = add nsw i64 %.715.0451.i, -1
  %.784.i = add i64 %.712.0450.i, 1
  %.955.i = add nsw i64 %found.2.4452.i, 1
  %.771.i = icmp sgt i64 %.715.0451.i, 1
  br i1 %.771.i, label %B552.if.i, label %B662.i

B662.i:
  %found.4.5.i = phi i64 [ %found.3.3455.i, %B192.if.i ], [ %found.3.3455.i, %B466.i ], [ %.955.i, %B650.i ], [ %found.3.3455.i, %B366.i ]
  %exitcond474.not.i = icmp eq i64 %.523.i, 2
  br i1 %exitcond474.not.i, label %B156.loopexit.i, label %B192.if.i

B670.i:
  %.147.i = add nsw i64 %.75.0472.i, 1
  %.1003.i = getelementptr i64, ptr %2, i64 %.75.0472.i
  %.1004.i = load i64, ptr %.1003.i, align 8
  %.1010.i = getelementptr i8, ptr %.1003.i, i64 8
  %.1011.i = load i64, ptr %.1010.i, align 8
  %.1048.i = sub i64 %.1011.i, %.1004.i
  %.1092468.not.i = icmp slt i64 %.1048.i, 1
  br i1 %.1092468.not.i, label %B76.loopexit.i, label %B734.if.lr.ph.i

B734.if.lr.ph.i:
  %.1376465.not.i = icmp slt i64 %found.4.5.i, 1
  br label %B734.if.i

B904.i:
  br i1 %.1376465.not.i, label %B1242.i, label %B934.if.i

B1098.i:
  br i1 %.1463.i, label %B1120.i, label %B1230.i

B1120.i:
  %.1478.i = load i64, ptr %.1477.i, align 8
  %.1480.i = icmp sgt i64 %.1478.i, %.1438.i
  br i1 %.1480.i, label %B1150.i, label %B1230.i

B1150.i:
  %b.3.3.i = phi i64 [ %.1486.i, %B1200.i ], [ %.1443.i, %B1120.i ]
  %.1486.i = add nsw i64 %b.3.3.i, -1
  %.1488.i = getelementptr i64, ptr %9, i64 %.1486.i
  %.1489.i = load i64, ptr %.1488.i, align 8
  %.1492.i = getelementptr i64, ptr %9, i64 %b.3.3.i
  store i64 %.1489.i, ptr %.1492.i, align 8
  %.1505.i = icmp sgt i64 %b.3.3.i, 1
  br i1 %.1505.i, label %B1200.i, label %B1230.i

B1200.i:
  %.1518.i = getelementptr i8, ptr %.1492.i, i64 -16
  %.1519.i = load i64, ptr %.1518.i, align 8
  %.1521.i = icmp sgt i64 %.1519.i, %.1438.i
  br i1 %.1521.i, label %B1150.i, label %B1230.i

B1230.i:
  %b.4.4.i = phi i64 [ %.1443.i, %B1120.i ], [ %.1443.i, %B1098.i ], [ %.1486.i, %B1200.i ], [ 0, %B1150.i ]
  %.1537.i = getelementptr i64, ptr %9, i64 %b.4.4.i
  store i64 %.1438.i, ptr %.1537.i, align 8
  br label %B1240.i

B1240.i:
  %exitcond478.not.i = icmp eq i64 %found.4.5.i, %.1389.i
  br i1 %exitcond478.not.i, label %B1242.i, label %B934.if.i

B1242.i:
  %.1561.i = load i64, ptr %.1560.i, align 8
  %.1565.i = load i64, ptr %.1135.i, align 8
  %.1569.i = getelementptr i64, ptr %11, i64 %.1565.i
  store i64 %.1561.i, ptr %.1569.i, align 8
  %.1092.i = icmp sgt i64 %.1038.0470.i, 1
  br i1 %.1092.i, label %B734.if.i, label %B76.loopexit.i

B78.if.i:
  %.75.0472.i = phi i64 [ 0, %B78.if.lr.ph.i ], [ %.147.i, %B76.loopexit.i ]
  %.550.i = getelementptr i64, ptr %3, i64 %.75.0472.i
  br label %B120.if.i

B120.if.i:
  %found.6.1461.i = phi i64 [ 0, %B78.if.i ], [ %found.4.5.i, %B118.loopexit.i ]
  %.201.0459.i = phi i64 [ -1, %B78.if.i ], [ %.271.i, %B118.loopexit.i ]
  %15 = shl nsw i64 %.201.0459.i, 42
  br label %B156.if.i

B156.if.i:
  %found.5.2458.i = phi i64 [ %found.6.1461.i, %B120.if.i ], [ %found.4.5.i, %B156.loopexit.i ]
  %.328.0456.i = phi i64 [ -1, %B120.if.i ], [ %.397.i, %B156.loopexit.i ]
  %16 = shl nsw i64 %.328.0456.i, 21
  %.555.i = add nsw i64 %16, %15
  br label %B192.if.i

B192.if.i:
  %found.3.3455.i = phi i64 [ %found.5.2458.i, %B156.if.i ], [ %found.4.5.i, %B662.i ]
  %.454.0453.i = phi i64 [ -1, %B156.if.i ], [ %.523.i, %B662.i ]
  %.523.i = add nsw i64 %.454.0453.i, 1
  %.551.i = load i64, ptr %.550.i, align 8
  %.558.i = add nsw i64 %.555.i, %.454.0453.i
  %.559.i = add i64 %.558.i, %.551.i
  %.564.i = mul nsw i64 %.559.i, 2177342782468422677
  %.567.i = ashr i64 %.564.i, %.566.i
  %.569.i = and i64 %.567.i, %.38.i
  %.579.i = getelementptr i64, ptr %5, i64 %.569.i
  %.580.i = load i64, ptr %.579.i, align 8
  %.581.i = icmp sgt i64 %.580.i, -1
  br i1 %.581.i, label %B330.i, label %B662.i

B552.if.i:
  %found.2.4452.i = phi i64 [ %.955.i, %B650.i ], [ %found.3.3455.i, %B466.i ]
  %.715.0451.i = phi i64 [ %.780.i, %B650.i ], [ %.725.i, %B466.i ]
  %.712.0450.i = phi i64 [ %.784.i, %B650.i ], [ %.678.i, %B466.i ]
  %.933.i = getelementptr i64, ptr %1, i64 %.712.0450.i
  %invariant.gep.i = getelementptr i64, ptr %10, i64 %found.2.4452.i
  br label %B586.if.i

B586.if.i:
  %.837.0447.i = phi i64 [ 0, %B552.if.i ], [ %.906.i, %B586.if.i ]
  %.906.i = add nsw i64 %.837.0447.i, 1
  %.934.i = load i64, ptr %.933.i, align 8
  %.idx438.i = mul i64 %.934.i, 24
  %17 = getelementptr i8, ptr %0, i64 %.idx438.i
  %.938.i = getelementptr i64, ptr %17, i64 %.837.0447.i
  %.939.i = load i64, ptr %.938.i, align 8
  %.941.i = mul nsw i64 %.837.0447.i, %.48.i
  %gep.i = getelementptr i64, ptr %invariant.gep.i, i64 %.941.i
  store i64 %.939.i, ptr %gep.i, align 8
  %exitcond.not.i = icmp eq i64 %.906.i, 3
  br i1 %exitcond.not.i, label %B650.i, label %B586.if.i

B734.if.i:
  %.1038.0470.i = phi i64 [ %.1048.i, %B734.if.lr.ph.i ], [ %.1101.i, %B1242.i ]
  %.1035.0469.i = phi i64 [ %.1004.i, %B734.if.lr.ph.i ], [ %.1105.i, %B1242.i ]
  %.1101.i = add nsw i64 %.1038.0470.i, -1
  %.1105.i = add i64 %.1035.0469.i, 1
  %.1135.i = getelementptr i64, ptr %1, i64 %.1035.0469.i
  %.1136.i = load i64, ptr %.1135.i, align 8
  %.1139.idx.i = mul i64 %.1136.i, 24
  %.1139.i = getelementptr i8, ptr %0, i64 %.1139.idx.i
  %.1140.i = load i64, ptr %.1139.i, align 8
  %.1148.i = getelementptr i8, ptr %.1139.i, i64 8
  %.1149.i = load i64, ptr %.1148.i, align 8
  %.1157.i = getelementptr i8, ptr %.1139.i, i64 16
  %.1158.i = load i64, ptr %.1157.i, align 8
  br i1 %.1248462.not.i, label %B904.i, label %B882.if.i

B882.if.i:
  %.1192.0463.i = phi i64 [ %.1261.i, %B882.if.i ], [ 0, %B734.if.i ]
  %.1261.i = add nsw i64 %.1192.0463.i, 1
  %.1289.i = getelementptr i64, ptr %9, i64 %.1192.0463.i
  store i64 %.1287.i, ptr %.1289.i, align 8
  %exitcond477.not.i = icmp eq i64 %8, %.1261.i
  br i1 %exitcond477.not.i, label %B904.i, label %B882.if.i

B934.if.i:
  %.1320.0466.i = phi i64 [ %.1389.i, %B1240.i ], [ 0, %B904.i ]
  %.1389.i = add nsw i64 %.1320.0466.i, 1
  %.1415.i = getelementptr i64, ptr %10, i64 %.1320.0466.i
  %.1416.i = load i64, ptr %.1415.i, align 8
  %.1418.i = sub nsw i64 %.1416.i, %.1140.i
  %.1422.i = getelementptr i64, ptr %12, i64 %.1320.0466.i
  %.1423.i = load i64, ptr %.1422.i, align 8
  %.1425.i = sub nsw i64 %.1423.i, %.1149.i
  %.1430.i = getelementptr i64, ptr %13, i64 %.1320.0466.i
  %.1431.i = load i64, ptr %.1430.i, align 8
  %.1433.i = sub nsw i64 %.1431.i, %.1158.i
  %.1434.i = mul nsw i64 %.1418.i, %.1418.i
  %.1435.i = mul nsw i64 %.1425.i, %.1425.i
  %.1436.i = add nsw i64 %.1435.i, %.1434.i
  %.1437.i = mul nsw i64 %.1433.i, %.1433.i
  %.1438.i = add nsw i64 %.1436.i, %.1437.i
  %.1446.i = load i64, ptr %.1445.i, align 8
  %.1448.i = icmp slt i64 %.1438.i, %.1446.i
  %.1451.i = icmp ne i64 %.1438.i, 0
  %or.cond.i = and i1 %.1448.i, %.1451.i
  br i1 %or.cond.i, label %B1098.i, label %B1240.i

exit:
  ret void
}

define void @link_cells(ptr readonly %0, ptr readonly %1, ptr readonly %2, ptr readonly %3, i64 %4, ptr readonly %5, i64 %6, i64 %7, i64 %8, i64 %9, ptr %10) {
entry:
  %notmask.i = shl nsw i64 -1, %6
  %.39.i = xor i64 %notmask.i, -1
  %.126409.not.i = icmp slt i64 %4, 1
  br i1 %.126409.not.i, label %exit, label %B54.lr.ph.i

B54.lr.ph.i:
  %.168.i = add nsw i64 %8, 1
  %spec.select.i = tail call i64 @llvm.smax.i64(i64 %.168.i, i64 0)
  %.249406.not.i = icmp slt i64 %8, 0
  %.291.i = sub i64 0, %8
  %.330.i = add i64 %.168.i, %8
  %storemerge374.i = tail call i64 @llvm.smax.i64(i64 %.330.i, i64 0)
  %.374403.not.i = icmp slt i64 %.330.i, 1
  %.671.i = sub nsw i64 63, %6
  br label %B54.i

B50.loopexit.i:
  %exitcond417.not.i = icmp eq i64 %4, %.139.i
  br i1 %exitcond417.not.i, label %B1394.if.i, label %B54.i

B54.i:
  %.67.0411.i = phi i64 [ 0, %B54.lr.ph.i ], [ %.139.i, %B50.loopexit.i ]
  %.139.i = add nsw i64 %.67.0411.i, 1
  br i1 %.249406.not.i, label %B50.loopexit.i, label %B96.lr.ph.i

B96.lr.ph.i:
  %.652.i = getelementptr i64, ptr %3, i64 %.67.0411.i
  %.786.i = getelementptr i64, ptr %10, i64 %.67.0411.i
  %.879.i = getelementptr i64, ptr %2, i64 %.67.0411.i
  %.887.i = getelementptr i8, ptr %.879.i, i64 8
  br label %B96.i

B92.loopexit.i:
  %.249.i = icmp sgt i64 %.195.0408.i, 1
  br i1 %.249.i, label %B96.i, label %B50.loopexit.i

B96.i:
  %.195.0408.i = phi i64 [ %spec.select.i, %B96.lr.ph.i ], [ %.258.i, %B92.loopexit.i ]
  %.192.0407.i = phi i64 [ 0, %B96.lr.ph.i ], [ %.262.i, %B92.loopexit.i ]
  %.258.i = add nsw i64 %.195.0408.i, -1
  %.262.i = add nsw i64 %.192.0407.i, 1
  br i1 %.374403.not.i, label %B92.loopexit.i, label %B142.lr.ph.i

B142.lr.ph.i:
  %.541.i = icmp eq i64 %.192.0407.i, 0
  %.556.i = add nsw i64 %.192.0407.i, -1
  %.558.i = mul nsw i64 %.556.i, %7
  %.559.i = add nsw i64 %.558.i, 1
  %11 = mul nsw i64 %.559.i, %.559.i
  %.656.i = shl i64 %.192.0407.i, 42
  br label %B142.i

B138.loopexit.i:
  %.383.i = add nsw i64 %.320.0405.i, -1
  %.387.i = add i64 %.317.0404.i, 1
  %.374.i = icmp sgt i64 %.320.0405.i, 1
  br i1 %.374.i, label %B142.i, label %B92.loopexit.i

B142.i:
  %.320.0405.i = phi i64 [ %storemerge374.i, %B142.lr.ph.i ], [ %.383.i, %B138.loopexit.i ]
  %.317.0404.i = phi i64 [ %.291.i, %B142.lr.ph.i ], [ %.387.i, %B138.loopexit.i ]
  %.544.i = icmp slt i64 %.317.0404.i, 0
  %.547.i = icmp eq i64 %.317.0404.i, 0
  %.563.i = tail call i64 @llvm.abs.i64(i64 %.317.0404.i, i1 false)
  %.564.i = add nsw i64 %.563.i, -1
  %.566.i = mul nsw i64 %.564.i, %7
  %.567.i = add nsw i64 %.566.i, 1
  %12 = mul nsw i64 %.567.i, %.567.i
  %"$phi388.5.2.4.i" = select i1 %.547.i, i64 0, i64 %12
  %.659.i = shl i64 %.317.0404.i, 21
  %.657.i = add i64 %.659.i, %.656.i
  br label %B186.if.i

B202.i:
  %.550.i = icmp slt i64 %.442.0401.i, 1
  %or.cond.i = select i1 %.547.i, i1 %.550.i, i1 false
  %or.cond415.i = select i1 %.544.i, i1 true, i1 %or.cond.i
  br i1 %or.cond415.i, label %B1435.i, label %B240.i

B240.i:
  %spec.select416.i = phi i64 [ 0, %B202.i ], [ %11, %B186.if.i ]
  %.571.i = tail call i64 @llvm.abs.i64(i64 %.442.0401.i, i1 false)
  %.572.i = add nsw i64 %.571.i, -1
  %.574.i = mul nsw i64 %.572.i, %7
  %.575.i = add nsw i64 %.574.i, 1
  %.616.not.i = icmp eq i64 %.442.0401.i, 0
  %13 = mul nsw i64 %.575.i, %.575.i
  %"$phi388.6.2.4.i" = select i1 %.616.not.i, i64 0, i64 %13
  %.641.i = add nsw i64 %"$phi388.6.2.4.i", %"$phi388.5.2.4.i"
  %.643.i = add nsw i64 %.641.i, %spec.select416.i
  %.645.i = icmp sgt i64 %.643.i, %9
  br i1 %.645.i, label %B1435.i, label %B438.i

B438.i:
  %.653.i = load i64, ptr %.652.i, align 8
  %.660.i = add i64 %.657.i, %.442.0401.i
  %.662.i = add i64 %.660.i, %.653.i
  %.669.i = mul nsw i64 %.662.i, 2177342782468422677
  %.672.i = ashr i64 %.669.i, %.671.i
  %.674.i = and i64 %.672.i, %.39.i
  %.684.i = getelementptr i64, ptr %5, i64 %.674.i
  %.685.i = load i64, ptr %.684.i, align 8
  %.686.i = icmp sgt i64 %.685.i, -1
  br i1 %.686.i, label %B572.i, label %B1435.i

B572.i:
  %.702.i = getelementptr i64, ptr %3, i64 %.685.i
  %.703.i = load i64, ptr %.702.i, align 8
  %.705.not.i = icmp eq i64 %.703.i, %.662.i
  br i1 %.705.not.i, label %B716.i, label %B608.i

B608.i:
  %slot.2.4.i = phi i64 [ %.715.i, %B648.i ], [ %.674.i, %B572.i ]
  %.711.i = add nsw i64 %slot.2.4.i, 1
  %.715.i = and i64 %.711.i, %.39.i
  %.724.i = getelementptr i64, ptr %5, i64 %.715.i
  %.725.i = load i64, ptr %.724.i, align 8
  %.726.i = icmp sgt i64 %.725.i, -1
  br i1 %.726.i, label %B648.i, label %B1435.i

B648.i:
  %.741.i = getelementptr i64, ptr %3, i64 %.725.i
  %.742.i = load i64, ptr %.741.i, align 8
  %.744.not.i = icmp eq i64 %.742.i, %.662.i
  br i1 %.744.not.i, label %B716.i, label %B608.i

B716.i:
  %.762.i = phi i64 [ %.685.i, %B572.i ], [ %.725.i, %B648.i ]
  %.787.i = load i64, ptr %.786.i, align 8
  %.788.not.i = icmp eq i64 %.787.i, %.67.0411.i
  br i1 %.788.not.i, label %B822.i, label %B748.i

B748.i:
  %.793.i = phi i64 [ %.811.i, %B748.i ], [ %.787.i, %B716.i ]
  %a.2.4.i = phi i64 [ %.796.i, %B748.i ], [ %.67.0411.i, %B716.i ]
  %.792.i = getelementptr i64, ptr %10, i64 %a.2.4.i
  %.795.i = getelementptr i64, ptr %10, i64 %.793.i
  %.796.i = load i64, ptr %.795.i, align 8
  store i64 %.796.i, ptr %.792.i, align 8
  %.810.i = getelementptr i64, ptr %10, i64 %.796.i
  %.811.i = load i64, ptr %.810.i, align 8
  %.812.not.i = icmp eq i64 %.811.i, %.796.i
  br i1 %.812.not.i, label %B822.i, label %B748.i

B822.i:
  %a.3.5.i = phi i64 [ %.67.0411.i, %B716.i ], [ %.796.i, %B748.i ]
  %.826.i = getelementptr i64, ptr %10, i64 %.762.i
  %.827.i = load i64, ptr %.826.i, align 8
  %.829.not.i = icmp eq i64 %.827.i, %.762.i
  br i1 %.829.not.i, label %B920.i, label %B846.i

B846.i:
  %.836.i = phi i64 [ %.854.i, %B846.i ], [ %.827.i, %B822.i ]
  %b.2.4.i = phi i64 [ %.839.i, %B846.i ], [ %.762.i, %B822.i ]
  %.835.i = getelementptr i64, ptr %10, i64 %b.2.4.i
  %.838.i = getelementptr i64, ptr %10, i64 %.836.i
  %.839.i = load i64, ptr %.838.i, align 8
  store i64 %.839.i, ptr %.835.i, align 8
  %.853.i = getelementptr i64, ptr %10, i64 %.839.i
  %.854.i = load i64, ptr %.853.i, align 8
  %.855.not.i = icmp eq i64 %.854.i, %.839.i
  br i1 %.855.not.i, label %B920.i, label %B846.i

B920.i:
  %b.3.5.i = phi i64 [ %.762.i, %B822.i ], [ %.839.i, %B846.i ]
  %.861.i = icmp eq i64 %a.3.5.i, %b.3.5.i
  br i1 %.861.i, label %B1435.i, label %B936.i

B936.i:
  %.880.i = load i64, ptr %.879.i, align 8
  %.888.i = load i64, ptr %.887.i, align 8
  %.890.i = icmp slt i64 %.880.i, %.888.i
  br i1 %.890.i, label %B990.preheader.i, label %B1435.i

B990.preheader.i:
  %.922.i = getelementptr i64, ptr %2, i64 %.762.i
  %.923.i = load i64, ptr %.922.i, align 8
  %.930.i = getelementptr i8, ptr %.922.i, i64 8
  %.931.i = load i64, ptr %.930.i, align 8
  %.933.i = icmp slt i64 %.923.i, %.931.i
  br label %B990.i

B990.i:
  %m.2.4.i = phi i64 [ %.1159.i, %B1234.i ], [ %.880.i, %B990.preheader.i ]
  br i1 %.933.i, label %B1040.preheader.i, label %B1234.i

B1040.preheader.i:
  %.1075.i = getelementptr i64, ptr %1, i64 %m.2.4.i
  %.1076.i = load i64, ptr %.1075.i, align 8
  %.idx.i = mul i64 %.1076.i, 24
  %14 = getelementptr i8, ptr %0, i64 %.idx.i
  br label %B1040.i

B1040.i:
  %k.2.5.i = phi i64 [ %.1114.i, %B1178.i ], [ %.923.i, %B1040.preheader.i ]
  %.1084.i = getelementptr i64, ptr %1, i64 %k.2.5.i
  %.1085.i = load i64, ptr %.1084.i, align 8
  %.idx376.i = mul i64 %.1085.i, 24
  %15 = getelementptr i8, ptr %0, i64 %.idx376.i
  br label %B1074.if.i

B1178.i:
  %.1104.i = icmp sle i64 %.1094.i, %9
  %.1114.i = add nsw i64 %k.2.5.i, 1
  %.1126.i = icmp sge i64 %.1114.i, %.931.i
  %brmerge.i = select i1 %.1126.i, i1 true, i1 %.1104.i
  br i1 %brmerge.i, label %B1234.loopexit.i, label %B1040.i

B1234.loopexit.i:
  %not..1126.le.i = xor i1 %.1126.i, true
  %.1104.mux.le.i = select i1 %not..1126.le.i, i1 true, i1 %.1104.i
  br label %B1234.i

B1234.i:
  %linked.3.6.i = phi i1 [ false, %B990.i ], [ %.1104.mux.le.i, %B1234.loopexit.i ]
  %.1159.i = add nsw i64 %m.2.4.i, 1
  %.1171.i = icmp sge i64 %.1159.i, %.888.i
  %brmerge377.i = select i1 %.1171.i, i1 true, i1 %linked.3.6.i
  br i1 %brmerge377.i, label %B1278.i, label %B990.i

B1278.i:
  %not..1171.i = xor i1 %.1171.i, true
  %linked.3.6.mux.i = select i1 %not..1171.i, i1 true, i1 %linked.3.6.i
  br i1 %linked.3.6.mux.i, label %B1282.i, label %B1435.i

B1282.i:
  %.13.i.i = tail call i64 @llvm.smin.i64(i64 %b.3.5.i, i64 %a.3.5.i)
  %.13.i378.i = tail call i64 @llvm.smax.i64(i64 %b.3.5.i, i64 %a.3.5.i)
  %.1276.i = getelementptr i64, ptr %10, i64 %.13.i378.i
  store i64 %.13.i.i, ptr %.1276.i, align 8
  br label %B1435.i

B1435.i:
  %.499.i = icmp sgt i64 %.445.0402.i, 1
  br i1 %.499.i, label %B186.if.i, label %B138.loopexit.i

B186.if.i:
  %.445.0402.i = phi i64 [ %storemerge374.i, %B142.i ], [ %.508.i, %B1435.i ]
  %.442.0401.i = phi i64 [ %.291.i, %B142.i ], [ %.512.i, %B1435.i ]
  %.508.i = add nsw i64 %.445.0402.i, -1
  %.512.i = add i64 %.442.0401.i, 1
  br i1 %.541.i, label %B202.i, label %B240.i

B1074.if.i:
  %square.2.6399.i = phi i64 [ 0, %B1040.i ], [ %.1094.i, %B1074.if.i ]
  %.979.0397.i = phi i64 [ 0, %B1040.i ], [ %.1048.i, %B1074.if.i ]
  %.1048.i = add nsw i64 %.979.0397.i, 1
  %.1080.i = getelementptr i64, ptr %14, i64 %.979.0397.i
  %.1081.i = load i64, ptr %.1080.i, align 8
  %.1089.i = getelementptr i64, ptr %15, i64 %.979.0397.i
  %.1090.i = load i64, ptr %.1089.i, align 8
  %.1091.i = sub nsw i64 %.1081.i, %.1090.i
  %.1092.i = mul nsw i64 %.1091.i, %.1091.i
  %.1094.i = add nsw i64 %.1092.i, %square.2.6399.i
  %exitcond.not.i = icmp eq i64 %.1048.i, 3
  br i1 %exitcond.not.i, label %B1178.i, label %B1074.if.i

B1394.if.i:
  %.1355.0413.i = phi i64 [ %.1424.i, %B1394.if.i ], [ 0, %B50.loopexit.i ]
  %.1424.i = add nsw i64 %.1355.0413.i, 1
  %.1450.i = getelementptr i64, ptr %10, i64 %.1355.0413.i
  %.1451.i = load i64, ptr %.1450.i, align 8
  %.1453.i = getelementptr i64, ptr %10, i64 %.1451.i
  %.1454.i = load i64, ptr %.1453.i, align 8
  store i64 %.1454.i, ptr %.1450.i, align 8
  %exitcond418.not.i = icmp eq i64 %4, %.1424.i
  br i1 %exitcond418.not.i, label %exit, label %B1394.if.i

exit:
  ret void
}

declare i32 @llvm.umin.i32(i32, i32)

declare i32 @llvm.umax.i32(i32, i32)

declare i64 @llvm.smax.i64(i64, i64)

declare i64 @llvm.smin.i64(i64, i64)

declare i64 @llvm.abs.i64(i64, i1 immarg)

declare void @llvm.memmove.p0.p0.i64(ptr writeonly , ptr readonly , i64, i1 immarg)

